# The catalog's table, the job over it and the role it runs as.

resource "aws_glue_catalog_database" "source" {
  name         = "${var.name}_db"
  description  = "passengers (${var.stage})"
  location_uri = "s3://${aws_s3_bucket.data.id}/"
}

resource "aws_glue_catalog_table" "source" {
  name          = "${var.name}_table"
  database_name = aws_glue_catalog_database.source.name
  table_type    = "EXTERNAL_TABLE"
  parameters    = { classification = "csv", "skip.header.line.count" = "1", stage = var.stage }

  storage_descriptor {
    location      = "s3://${aws_s3_bucket.data.id}/csv/"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

    ser_de_info {
      name                  = "csv"
      serialization_library = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
      parameters            = { "field.delim" = "," }
    }

    columns {
      name = "name"
      type = "string"
    }
    columns {
      name    = "age"
      type    = "double"
      comment = "in years"
    }
  }

  partition_keys {
    name = "day"
    type = "date"
  }
}

data "aws_iam_policy_document" "glue_may_be" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["glue.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "job" {
  name               = "${var.name}-job"
  assume_role_policy = data.aws_iam_policy_document.glue_may_be.json
  description        = "runs the job (${var.stage})"
}

resource "aws_iam_policy" "data" {
  name = "${var.name}-data"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "${aws_s3_bucket.data.arn}/*" }]
  })
}

resource "aws_iam_role_policy_attachment" "data" {
  role       = aws_iam_role.job.name
  policy_arn = aws_iam_policy.data.arn
}

resource "aws_iam_role_policy_attachment" "glue" {
  role       = aws_iam_role.job.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"
}

resource "aws_iam_role_policy" "scripts" {
  name = "scripts"
  role = aws_iam_role.job.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "${aws_s3_bucket.scripts.arn}/*" }]
  })
}

resource "aws_glue_job" "job" {
  name              = var.name
  description       = "csv to parquet (${var.stage})"
  role_arn          = aws_iam_role.job.arn
  glue_version      = "5.0"
  worker_type       = "G.1X"
  number_of_workers = 2
  max_retries       = 1
  timeout           = 60

  command {
    script_location = "s3://${aws_s3_bucket.scripts.id}/${aws_s3_object.script.key}"
    python_version  = "3"
  }

  default_arguments = { "--job-language" = "python", "--stage" = var.stage }

  execution_property {
    max_concurrent_runs = 2
  }
}

resource "aws_cloudwatch_log_group" "app" {
  name              = "/${var.name}/app"
  retention_in_days = 14
}
