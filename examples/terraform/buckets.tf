# The buckets, and what a bucket can be told.

resource "aws_s3_bucket" "scripts" {
  bucket        = "${var.name}-scripts"
  force_destroy = true
}

resource "aws_s3_bucket" "data" {
  bucket              = "${var.name}-data"
  force_destroy       = true
  object_lock_enabled = true
  tags                = { stage = var.stage }
}

variable "stage" {
  type    = string
  default = "test"
}

variable "expire_days" {
  type    = number
  default = 30
}

resource "aws_s3_bucket_versioning" "data" {
  bucket = aws_s3_bucket.data.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "data" {
  bucket = aws_s3_bucket_versioning.data.bucket
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = 1
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "data" {
  bucket = aws_s3_bucket_versioning.data.bucket

  rule {
    id     = "temporary"
    status = "Enabled"
    filter {
      prefix = "tmp/"
    }
    expiration {
      days = var.expire_days
    }
  }

  rule {
    id     = "old versions and unfinished uploads"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 90
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "data" {
  bucket = aws_s3_bucket.data.id
  rule {
    bucket_key_enabled = false
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "data" {
  bucket                  = aws_s3_bucket.data.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "data" {
  bucket = aws_s3_bucket.data.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_cors_configuration" "data" {
  bucket = aws_s3_bucket.data.id
  cors_rule {
    allowed_methods = ["GET", "HEAD"]
    allowed_origins = ["https://example.com"]
    allowed_headers = ["*"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3000
  }
}

resource "aws_s3_bucket_policy" "data" {
  bucket = aws_s3_bucket.data.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "JobMayRead"
      Effect    = "Allow"
      Principal = { AWS = aws_iam_role.job.arn }
      Action    = ["s3:GetObject", "s3:ListBucket"]
      Resource  = [aws_s3_bucket.data.arn, "${aws_s3_bucket.data.arn}/*"]
    }]
  })
  depends_on = [aws_s3_bucket_public_access_block.data]
}

resource "aws_s3_object" "script" {
  bucket = aws_s3_bucket.scripts.id
  key    = "glue_job.py"
  source = "${path.module}/../glue_job.py"
  etag   = filemd5("${path.module}/../glue_job.py")
}

resource "aws_s3_object" "note" {
  bucket       = aws_s3_bucket.scripts.id
  key          = "notes/stage.txt"
  content      = "stage ${var.stage}\n"
  content_type = "text/plain"
  tags         = { stage = var.stage }
}
