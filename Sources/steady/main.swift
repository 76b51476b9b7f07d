import Glibc

print("steady 0.1.0")
