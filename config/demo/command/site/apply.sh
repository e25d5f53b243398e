# Stands in for a tool that saves what it did when it is asked to stop.
set -eu
trap 'echo "asked to stop: saving what was done"; exit 1' TERM INT
echo "applying $1"
for part in network web dns; do
  sleep 1 & wait $!
  echo "$part: done"
done
echo "$1" > live
