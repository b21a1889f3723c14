# EC2 instances for a cluster on demand: one per user-data file of `muster cluster create --user-data-dir`.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

locals {
  masters = {
    for file in fileset(var.user_data_dir, "${var.cluster}-master-*.yaml") : trimsuffix(file, ".yaml") => file
  }
  machines = merge(local.masters, {
    for index in range(var.nodes) : "${var.cluster}-node-${index + 1}" => "${var.cluster}-nodes.yaml"
  })
}

resource "aws_instance" "machine" {
  for_each = local.machines

  ami                    = var.ami
  instance_type          = contains(keys(local.masters), each.key) ? var.master_type : var.node_type
  subnet_id              = var.subnet
  vpc_security_group_ids = var.security_groups
  user_data              = file("${var.user_data_dir}/${each.value}")
  source_dest_check      = false # routed pods: packets carry the pods' addresses

  # The machine alone, and no pod behind a bridge, may read user-data and the instance's identity.
  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_size = var.disk_gib
    encrypted   = true
  }

  # Muster's tombstone powers machines off when the cluster ends; then nothing of them is to be paid.
  instance_initiated_shutdown_behavior = "terminate"

  tags = {
    Name    = each.key
    cluster = var.cluster
  }

  lifecycle {
    ignore_changes = [user_data] # its token is used up; a new one would replace a machine that runs
  }
}

output "addresses" {
  value = { for name, machine in aws_instance.machine : name => machine.private_ip }
}
