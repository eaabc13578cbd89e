#!/bin/sh
# run.sh ESEP FROM TO [options of differ.py]: the differential loop, seeds FROM to TO.
exec python3 "$(dirname "$0")/differ.py" "$@"
