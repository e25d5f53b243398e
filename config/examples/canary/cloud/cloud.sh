# Stands in for the command line of a cloud: an account is a directory ($ACCOUNT), what is in it files.
#
#   live                      the version that is released
#   traffic                   per cent of it to the canary / to the fleet
#   sessions                  there while people are on the canary
#   images/v2                 a baked image
#   instances/canary-1        what runs: the version that each instance has
#   instances/a-1 ... c-2     the fleet, in three zones
set -eu
step=$ORCHESTRATOR_STEP
version=$ORCHESTRATOR_PARAM_VERSION
fleet="a-1 a-2 b-1 b-2 c-1 c-2"
mkdir -p "$ACCOUNT"
cd "$ACCOUNT"

if [ ! -e live ]; then                  # a new account: v1 is live
    mkdir -p images instances
    for one in $fleet; do echo v1 > "instances/$one"; done
    echo 0/100 > traffic
    echo v1 > live
fi

works() {                               # as long as somebody wants to watch
    trap 'echo "$step is asked to stop"; kill $!; exit 143' TERM
    sleep "${ORCHESTRATOR_PARAM_SECONDS:-0}" & wait $!
    if [ "${ORCHESTRATOR_PARAM_HOLD:-none}" = "$step" ]; then
        echo "$step waits for $PWD/go"
        until [ -e go ]; do sleep 0.1 & wait $!; done
        rm go
    fi
}

runs() {                                # runs INSTANCE VERSION
    [ "$(cat "instances/$1")" = "$2" ] || { echo "$1 does not run $2"; exit 1; }
}

split() {                               # split PER-CENT: that much to the canary
    echo "$1/$((100 - $1))" > traffic
    echo "traffic: $1 % canary, $((100 - $1)) % fleet"
}

case $1 in
bake)
    if [ "$(cat live)" = "$version" ]; then echo "$version is live already"; exit 3; fi
    works
    echo "$version" > "images/$version"
    echo "image=images/$version" >> "$ORCHESTRATOR_OUTPUT"
    echo "baked images/$version" ;;
deploy-canary)
    for one in canary-1 canary-2; do cp "$2" "instances/$one"; echo "$one runs $(cat "$2")"; done
    works ;;
test)
    works
    runs canary-1 "$version"
    runs canary-2 "$version" ;;
traffic)
    split "$2"
    echo "12 people" > sessions
    works ;;
analysis)
    works
    score=$((100 - $(cut -d / -f 1 traffic) / 10))
    [ "$ORCHESTRATOR_PARAM_FAIL" != "$step" ] || score=41
    echo "score=$score" >> "$ORCHESTRATOR_OUTPUT"
    echo "canary against fleet: errors, latency, load: $score of 100" ;;
roll-out)
    for one in "$2-1" "$2-2"; do echo "$version" > "instances/$one"; echo "$one runs $version"; done
    works ;;
verify-fleet)
    works
    for one in $fleet; do runs "$one" "$version"; done ;;
make-live)
    works
    echo "$version" > live ;;
tag | announce)
    works
    echo "$version is live, analysis: $2 and $3 of 100" ;;

# The cleanup. Each of these may find that there is nothing to do.
reset-traffic)
    split 0 ;;
drain-canary)
    rm -f sessions
    echo "nobody is on the canary" ;;
remove-canary)
    rm -f instances/canary-* ;;
restore-fleet)
    for one in $fleet; do
        if ! cmp -s live "instances/$one"; then cp live "instances/$one"; echo "$one runs $(cat live) again"; fi
    done ;;
verify-clean)
    [ "$(cat traffic)" = 0/100 ] || { echo "the canary has traffic: $(cat traffic)"; exit 1; }
    for one in instances/*; do runs "${one#instances/}" "$(cat live)"; done
    [ ! -e sessions ] && [ ! -e instances/canary-1 ] ;;
*)
    echo "cloud.sh: what is $1?"; exit 2 ;;
esac

if [ "${ORCHESTRATOR_PARAM_FAIL:-none}" = "$step" ]; then
    echo "$step fails, as -p fail=$step asked for"
    exit 1
fi
