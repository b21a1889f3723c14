variable "cluster" {
  description = "NAME of `muster cluster create NAME`"
  type        = string
}

variable "user_data_dir" {
  description = "its --user-data-dir"
  type        = string
}

variable "nodes" {
  description = "its --nodes"
  type        = number
  default     = 3
}

variable "ami" {
  description = "a Debian 12 image, or one of `muster image build`"
  type        = string
}

variable "subnet" {
  description = "where the template's addressRanges lie"
  type        = string
}

variable "security_groups" {
  description = "all ports among the machines; 8080, 8443 and 8444 to the server"
  type        = list(string)
  default     = []
}

variable "master_type" {
  type    = string
  default = "t3.medium"
}

variable "node_type" {
  type    = string
  default = "t3.medium"
}

variable "disk_gib" {
  type    = number
  default = 20
}
