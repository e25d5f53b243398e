# Stands in for a tool that saves what it did when it is asked to stop.
set -eu
trap 'echo "asked to stop: saving what was done"; exit 1' TERM INT
echo "applying $1"
sleep 1 & wait $!
echo "network: done"
sleep "$2" & wait $!
echo "web: done"
echo "$1" > live
