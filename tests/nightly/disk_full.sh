#!/usr/bin/env bash
# A disk that fills up at twelve sizes: code 74, nothing lost, and with space again the same command ends byte-equal.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [[ $(id -u) != 0 && ${IN_NAMESPACE:-} != 1 ]]; then
  IN_NAMESPACE=1 exec unshare --map-root-user --mount bash "$0"
fi
export EEXIT_DATA=$here/../fixtures/fashion-mnist OMP_NUM_THREADS=1
work=$(mktemp -d)
mkdir "$work"/disk
trap 'umount "$work"/disk 2>/dev/null || true; rm -rf "$work"' EXIT
sweep() { "${EEXIT:?the program}" sweep "$here"/../support/grid48.json --quiet --threads 1 --jobs 2 --out "$1" \
  --set '/defaults/train/protocol={"name": "equal_epochs", "total": 3, "backbone": 2}' --set '/grid/seed=[0]'; }
sweep "$work"/whole >/dev/null
need=$(du -sk "$work"/whole | cut -f1)
for part in $(seq 12); do
  size=$((need * part / 14 + 4))
  mount -t tmpfs -o size=${size}k,nr_inodes=0 tmpfs "$work"/disk
  status=0
  sweep "$work"/disk/out >/dev/null 2>"$work"/stderr || status=$?
  if [[ $status != 74 ]]; then
    cat "$work"/stderr
    echo "FAILED: $size KiB of $need: exit code $status, expected 74"
    exit 1
  fi
  [[ $(grep -c '^error: .*No space left' "$work"/stderr) -ge 1 ]] || { cat "$work"/stderr; echo 'FAILED: no reason given'; exit 1; }
  mount -o remount,size=64m "$work"/disk
  sweep "$work"/disk/out >/dev/null
  for file in results.csv curves.csv table.md; do cmp "$work"/{whole,disk/out}/studies/grid48/$file; done
  (cd "$work"/whole && find phases -name weights.safetensors -exec cmp {} "$work"/disk/out/{} \;)
  umount "$work"/disk
done
echo '12 sizes: code 74 each time, byte-equal afterwards'
