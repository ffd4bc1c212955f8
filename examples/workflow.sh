#!/usr/bin/env bash
# The whole workflow with the AWS CLI: files into S3, the Data Catalog, a Glue job, its logs, an EMR cluster, the same job on that cluster's Spark.
#
# Usage, with `solder serve` in another terminal:  eval "$(solder env)"; examples/workflow.sh
# What it makes is left there to look at: `aws s3 ls s3://my-target-bucket/ --recursive`, `solder status`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf '\n== %s\n' "$*"; }
# ended JOB RUN: waits until the run has ended, prints its state.
ended() {
    local state
    while :; do
        state=$(aws glue get-job-run --job-name "$1" --run-id "$2" --query JobRun.JobRunState --output text)
        case $state in
        SUCCEEDED) echo "$state"; return ;;
        FAILED | STOPPED | TIMEOUT | ERROR)
            aws glue get-job-run --job-name "$1" --run-id "$2" >&2
            aws logs get-log-events --log-group-name /aws-glue/jobs/error --log-stream-name "$2" --query 'events[].message' --output text >&2 || true
            exit 1 ;;
        esac
        sleep 0.5
    done
}
# terminated CLUSTER: `aws emr wait cluster-terminated` does the same, but looks only every 30 seconds.
terminated() {
    until [ "$(aws emr describe-cluster --cluster-id "$1" --query Cluster.Status.State --output text)" = TERMINATED ]; do
        sleep 0.5
    done
}

say "1. Buckets and files"
for bucket in my-source-bucket my-target-bucket my-script-bucket my-log-bucket; do
    aws s3 mb "s3://$bucket"
done
aws s3 cp "$here/titanic.csv" s3://my-source-bucket/titanic/titanic.csv --no-progress
aws s3 cp "$here/glue_job.py" s3://my-script-bucket/glue_job.py --no-progress
aws s3 ls s3://my-source-bucket/titanic/

say "2. The Data Catalog"
aws glue create-database --cli-input-json "file://$here/source_db.json"
aws glue create-table --cli-input-json "file://$here/source_table.json"
aws glue get-table --database-name source_db --name source_table --query 'Table.StorageDescriptor.Columns[].Name' --output text

say "3. The Glue job, on this machine's engine"
aws glue create-job --name titanic --role GlueRole --command Name=glueetl,ScriptLocation=s3://my-script-bucket/glue_job.py,PythonVersion=3
run=$(aws glue start-job-run --job-name titanic --query JobRunId --output text)
ended titanic "$run"
aws s3 cp s3://my-target-bucket/transformed-data/ "$work/engine/" --recursive --no-progress
aws logs describe-log-streams --log-group-name /aws-glue/jobs/error --query 'logStreams[].logStreamName' --output text
aws logs get-log-events --log-group-name /aws-glue/jobs/error --log-stream-name "$run" --query 'events[].[message]' --output text

say "4. An EMR cluster"
cluster=$(aws emr create-cluster \
    --name "ETL Cluster" \
    --release-label emr-6.5.0 \
    --applications Name=Spark Name=Hadoop \
    --instance-type m5.xlarge \
    --instance-count 3 \
    --use-default-roles \
    --log-uri s3://my-log-bucket/emr-logs/ \
    --query ClusterId --output text)
aws emr wait cluster-running --cluster-id "$cluster"
aws emr describe-cluster --cluster-id "$cluster" --query 'Cluster.Status.StateChangeReason.Message' --output text
aws emr list-instances --cluster-id "$cluster" --query 'Instances[].[Id,PrivateIpAddress,Status.State]' --output text

say "5. The same job on the cluster"
aws s3 rm s3://my-target-bucket/transformed-data/ --recursive --quiet
run=$(aws glue start-job-run --job-name titanic \
    --arguments "{\"--enable-spark-submit\": \"true\", \"--emr-endpoint\": \"$cluster\"}" --query JobRunId --output text)
ended titanic "$run"
aws emr list-steps --cluster-id "$cluster" --query 'Steps[].[Id,Name,Status.State]' --output text
aws s3 cp s3://my-target-bucket/transformed-data/ "$work/spark/" --recursive --no-progress

say "6. The end of the cluster"
aws emr terminate-clusters --cluster-ids "$cluster"
terminated "$cluster"
aws s3 ls "s3://my-log-bucket/emr-logs/$cluster/" --recursive

say "7. A cluster that ends by itself when it has no step"
cluster=$(aws emr create-cluster \
    --name "ETL Cluster" \
    --release-label emr-6.5.0 \
    --applications Name=Spark Name=Hadoop \
    --instance-type m5.xlarge \
    --instance-count 3 \
    --use-default-roles \
    --log-uri s3://my-log-bucket/emr-logs/ \
    --auto-terminate \
    --query ClusterId --output text)
terminated "$cluster"
aws emr describe-cluster --cluster-id "$cluster" --query 'Cluster.Status.[State,StateChangeReason.Message]' --output text
if [ -n "${KEEP_RESULTS:-}" ]; then # a folder for both results
    cp -r "$work/engine" "$work/spark" "$KEEP_RESULTS"
fi
