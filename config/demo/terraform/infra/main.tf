variable "release" {
  type = string
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
    command     = "sleep 3; echo \"$RELEASE\" > live"
    environment = { RELEASE = var.release }
  }
  provisioner "local-exec" {
    when    = destroy
    command = "rm -f live"
  }
}

output "release" {
  value = terraform_data.web.output
}
