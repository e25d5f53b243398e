variable "release" {
  type = string
}

resource "terraform_data" "web" {
  input = var.release
}
