#!/bin/bash
# Is the program in this container well? It says so itself at /health/ready: the store answers, every service
# succeeded lately by its own interval, and the relay's index has caught up. An image without curl is smaller.
# Usage: healthcheck.sh [HOST [PORT]]
set -euo pipefail

host=${1:-127.0.0.1}
port=${2:-8000}
exec 3<>"/dev/tcp/$host/$port"
printf 'GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
IFS= read -r -t 8 status <&3
case $status in
  "HTTP/1.1 200 "*) ;;
  *) cat <&3; exit 1 ;;
esac
