variable "release" {
  type = string
}

variable "seconds" {
  type    = number
  default = 3
}

resource "terraform_data" "network" {
  input = var.release
  provisioner "local-exec" {
    command = "sleep 1"
  }
}

resource "terraform_data" "web" {
  input      = var.release
  depends_on = [terraform_data.network]
  provisioner "local-exec" {
    command     = "sleep $SECONDS_TO_TAKE; echo \"$RELEASE\" > live"
    environment = { RELEASE = var.release, SECONDS_TO_TAKE = var.seconds }
  }
  provisioner "local-exec" {
    when    = destroy
    command = "rm -f live"
  }
}

output "release" {
  value = terraform_data.web.output
}
