locals {
  alarms = {
    dead-letters = {
      what       = "An upload could not be started or understood: see the dead-letter queue, then the output redrive_command"
      namespace  = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum"
      dimensions = { QueueName = aws_sqs_queue.dead.name }
      threshold  = 0, period = 60, periods = 1
    }
    waiting-long = {
      what       = "An upload has waited 15 minutes for its task: no Fargate capacity, quota reached, or the trigger fails"
      namespace  = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", statistic = "Maximum"
      dimensions = { QueueName = aws_sqs_queue.uploads.name }
      threshold  = 900, period = 60, periods = 1
    }
    given-up = {
      what       = "A load failed for good: the notice on this topic names its objects; select * from landfall.load"
      namespace  = local.metrics, metric = "GivenUp", statistic = "Sum"
      dimensions = {}
      threshold  = 0, period = 60, periods = 1
    }
    trigger-errors = {
      what       = "The trigger failed as a whole: see its log"
      namespace  = "AWS/Lambda", metric = "Errors", statistic = "Sum"
      dimensions = { FunctionName = aws_lambda_function.trigger.function_name }
      threshold  = 0, period = 300, periods = 1
    }
    database-at-max = {
      what       = "The database has run at its maximum capacity for 15 minutes: loads are slower than they could be (db_max_acu)"
      namespace  = "AWS/RDS", metric = "ACUUtilization", statistic = "Average"
      dimensions = { DBClusterIdentifier = aws_rds_cluster.this.cluster_identifier }
      threshold  = 95, period = 300, periods = 3
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.alarms
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.what
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.notices.arn]
}

locals {
  widgets = [
    {
      title = "Uploads waiting, and dead letters"
      metrics = [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.uploads.name, { label = "waiting" }],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.dead.name, { label = "dead" }],
      ]
    },
    {
      title   = "Age of the oldest waiting upload, seconds"
      metrics = [["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", aws_sqs_queue.uploads.name, { label = "age" }]]
    },
    {
      title = "Tasks running, and loads given up"
      metrics = [
        ["ECS/ContainerInsights", "RunningTaskCount", "ClusterName", aws_ecs_cluster.this.name, { label = "running" }],
        [local.metrics, "GivenUp", { label = "given up", stat = "Sum" }],
      ]
    },
    {
      title = "Trigger"
      metrics = [
        ["AWS/Lambda", "Invocations", "FunctionName", aws_lambda_function.trigger.function_name, { stat = "Sum" }],
        ["AWS/Lambda", "Errors", "FunctionName", aws_lambda_function.trigger.function_name, { stat = "Sum" }],
      ]
    },
    {
      title   = "Database capacity, ACU"
      metrics = [["AWS/RDS", "ServerlessDatabaseCapacity", "DBClusterIdentifier", aws_rds_cluster.this.cluster_identifier, { label = "ACU" }]]
    },
    {
      title   = "Database I/O, operations"
      metrics = [for name in ["VolumeReadIOPs", "VolumeWriteIOPs"] : ["AWS/RDS", name, "DBClusterIdentifier", aws_rds_cluster.this.cluster_identifier, { stat = "Sum" }]]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [for i, widget in local.widgets : {
      type       = "metric"
      x          = 12 * (i % 2)
      y          = 6 * floor(i / 2)
      width      = 12
      height     = 6
      properties = { title = widget.title, metrics = widget.metrics, region = local.region, stat = "Maximum", period = 60, view = "timeSeries" }
    }]
  })
}
