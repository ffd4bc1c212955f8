# Terraform's AWS provider, pointed at a Solder server:
#
#     eval "$(solder env)"                     # the endpoint and a key
#     export TF_VAR_endpoint="$AWS_ENDPOINT_URL"
#     terraform init && terraform apply

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" {
  type    = string
  default = "http://127.0.0.1:4566"
}

# false: buckets stand in host names, as my-bucket.localhost, which must resolve to this machine (and the endpoint must be a name).
variable "path_style" {
  type    = bool
  default = true
}

provider "aws" {
  region                  = "us-east-1"
  s3_use_path_style       = var.path_style
  skip_metadata_api_check = true

  endpoints {
    emr  = var.endpoint
    glue = var.endpoint
    iam  = var.endpoint
    logs = var.endpoint
    s3   = var.endpoint
    sts  = var.endpoint
  }

  default_tags {
    tags = { project = var.name }
  }
}

# What every name here begins with.
variable "name" {
  type    = string
  default = "titanic"
}
