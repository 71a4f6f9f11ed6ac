#!/bin/sh
# tools/gpu_train.sh GAME MINUTES OUT [KEY=VALUE ...]
#
# Uses MINUTES of a machine for the shipped network of GAME (chess, shogi, go): trains it on, grown to a size that suits a
# GPU, to the last minute, and leaves in OUT what the next machine goes on from, in at most 8 files of 16 MB: the newest
# checkpoint with its optimizer, the configuration, the log and the newest window of games. With such files in OUT it goes
# on from them. The network is OUT's own: `cat OUT/run.tar.* | tar x`, then tools/ship.py.
#
# BLOCKS and CHANNELS choose the size, CONFIG the configuration, ALPHAZERO the command (an absolute path, or a name); KEY=VALUE overrides the configuration.
set -eu
begun=$(date +%s)
[ $# -ge 3 ] || { sed -n '2,9p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2; }
game=$1 minutes=$2 out=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
case $game in
  chess | shogi) config=${CONFIG:-$here/../configs/$game.yaml} blocks=${BLOCKS:-10} channels=${CHANNELS:-128} ;;
  go) config=${CONFIG:-$here/../configs/go9-gpu.yaml} blocks=${BLOCKS:-10} channels=${CHANNELS:-128} ;;
  *) echo "gpu_train.sh: GAME is chess, shogi or go, not $game" >&2; exit 2 ;;
esac
case $minutes in
  '' | *[!0-9]*) echo "gpu_train.sh: MINUTES is a whole number, not $minutes" >&2; exit 2 ;;
esac
mkdir -p "$out"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
if [ -z "${ALPHAZERO:-}" ]; then
  python3 -m venv --system-site-packages "$work/env" # a machine for GPUs has its PyTorch
  "$work/env/bin/pip" install --quiet "$here/..[train]"
  ALPHAZERO=$work/env/bin/alphazero
fi

case $config in /*) ;; *) config=$PWD/$config ;; esac

run=$work/run
mkdir "$run"
if ls "$out"/run.tar.* >/dev/null 2>&1; then
  cat "$out"/run.tar.* | tar -x -C "$run"
  blocks=$(sed -n 's/^  blocks: *//p' "$run/config.yaml") channels=$(sed -n 's/^  channels: *//p' "$run/config.yaml")
  start=$(sed -n 's/^  start_from: *//p' "$run/config.yaml")
else
  start=$game-grown-to-${blocks}x$channels # a name below the working folder: the same on every machine
  "$ALPHAZERO" grow "pretrained:$game" --blocks "$blocks" --channels "$channels" --out "$work/$start"
fi

# The budget counts all minutes that were ever spent on the run; half a minute is kept for packing.
spent=$("$ALPHAZERO" info "$run" 2>/dev/null | awk '$1 == "seconds" { print $2 }')
left=$((60 * minutes - ($(date +%s) - begun) - 30))
[ "$left" -gt 0 ] || { echo "gpu_train.sh: $minutes minutes were spent before training began" >&2; exit 1; }
budget=$(awk "BEGIN { print (${spent:-0} + $left) / 60 }")
(cd "$work" && "$ALPHAZERO" train "$config" --run "$run" --no-rating \
  training.start_from="$start" network.blocks="$blocks" network.channels="$channels" \
  training.schedule=stable training.budget_minutes="$budget" "$@")

newest=$(cat "$run/checkpoints/latest")
mkdir "$work/pack" "$work/pack/checkpoints"
cp -r "$run/checkpoints/$newest" "$run/checkpoints/latest" "$work/pack/checkpoints/"
cp "$run/config.yaml" "$run/log.jsonl" "$work/pack/"
"$ALPHAZERO" replay "$run" --pack "$work/pack/replay" | tail -1
rm -f "$work"/new.tar.*
tar -c -C "$work/pack" . | split -b 16000000 - "$work/new.tar."
count=$(ls "$work"/new.tar.* | wc -l)
[ "$count" -le 8 ] || { echo "gpu_train.sh: $count files of 16 MB, 8 may come back; give a smaller replay.window_min" >&2; exit 1; }
rm -f "$out"/run.tar.*
for part in "$work"/new.tar.*; do mv "$part" "$out/run.tar.${part##*.}"; done
echo "$out: $count files, step $newest"
