set -e
wget -q -O - "$API/whoami" | grep -q '"key-holder"'
wget -q -O - "$API/held?id=$ID" | {
  read -r first; [ "$first" = "data: first" ]
  wget -q -O /dev/null "$API/release?id=$ID"
  cat
} | grep -q "data: last"
exit 7
