# An EMR cluster with one step. Off unless asked for: it starts a real Spark cluster.

variable "cluster" {
  type    = bool
  default = false
}

resource "aws_iam_role" "emr" {
  for_each = { service = "elasticmapreduce.amazonaws.com", node = "ec2.amazonaws.com" }
  name     = "${var.name}-emr-${each.key}"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = each.value } }]
  })
}

resource "aws_iam_instance_profile" "emr" {
  name = "${var.name}-emr"
  role = aws_iam_role.emr["node"].name
}

resource "aws_emr_cluster" "cluster" {
  count         = var.cluster ? 1 : 0
  name          = var.name
  release_label = "emr-7.5.0"
  applications  = ["Spark"]
  service_role  = aws_iam_role.emr["service"].arn
  log_uri       = "s3://${aws_s3_bucket.scripts.id}/logs/"

  keep_job_flow_alive_when_no_steps = true
  termination_protection            = false

  ec2_attributes {
    instance_profile = aws_iam_instance_profile.emr.arn
  }

  master_instance_group {
    instance_type = "m5.xlarge"
  }

  core_instance_group {
    instance_type  = "m5.xlarge"
    instance_count = 1
  }

  configurations_json = jsonencode([{
    Classification = "spark-defaults"
    Properties     = { "spark.sql.shuffle.partitions" = "4" }
  }])

  step {
    name              = "hello"
    action_on_failure = "CONTINUE"
    hadoop_jar_step {
      jar  = "command-runner.jar"
      args = ["bash", "-c", "echo hello"]
    }
  }

  tags = { stage = var.stage }
}
