# Stands in for a web site and its tools: an environment is a directory, what is in it files.
#
#   serving        the version that everybody gets
#   staged         the version that is there, for those who know how to ask for it
#   reports        a line for each job: how it ended, and at which step
#   ../builds/v2   what was built
set -eu
version=$ORCHESTRATOR_PARAM_VERSION
mkdir -p "$ORCHESTRATOR_ENVIRONMENT" builds
cd "$ORCHESTRATOR_ENVIRONMENT"
[ -e serving ] || { echo v1 > serving; echo v1 > staged; }

if [ "$1" = "$ORCHESTRATOR_PARAM_FAIL" ]; then
    echo "$1 fails, as -p fail=$1 asked for"
    exit 1
fi
case $1 in
build)
    echo "$version" > "../builds/$version"
    echo "built $version" ;;
test)
    grep -qx "$version" "../builds/$version"
    echo "$2: 42 tests passed" ;;
plan)
    if [ "$(cat serving)" = "$version" ]; then echo "no changes"; exit 0; fi
    {
        echo "summary=site: $(cat serving) -> $version"
        echo "plan=$(cat serving) $version"
        echo "changes=1"
    } >> "$ORCHESTRATOR_OUTPUT"
    echo "~ site: $(cat serving) -> $version"
    exit 2 ;;
release)
    [ "$2" = "$(cat serving) $version" ] || { echo "the plan is stale: $2"; exit 1; }
    echo "$version" > staged
    echo "$version is staged" ;;
smoke)
    grep -x "$version" staged ;;
open)
    cp staged serving
    echo "everybody gets $version" ;;
announce)
    echo "$version is in $ORCHESTRATOR_ENVIRONMENT, says $ORCHESTRATOR_SUBMITTER" ;;
go-back)
    cp serving staged
    echo "back to $(cat serving)" ;;
report)
    echo "job $ORCHESTRATOR_JOB_ID, $version: $2${3:+, at $3}" | tee -a reports ;;
*)
    echo "site.sh: what is $1?"; exit 64 ;;
esac
