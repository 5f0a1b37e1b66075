#!/usr/bin/env bash
# scripts/import: the Python version of the CIFAR sets becomes the binary version; no pickle is ever run.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh.inc"
import=$here/../../scripts/import

# Pickles as Python 2 and numpy wrote them, byte by byte, and the records that they stand for.
cat >make.py <<'PY'
import pathlib, struct, sys


def text(s):
    return (b"U" + bytes([len(s)]) if len(s) < 256 else b"T" + struct.pack("<i", len(s))) + s


def number(n):
    return b"K" + bytes([n]) if n < 256 else b"M" + struct.pack("<H", n) if n < 65536 else b"J" + struct.pack("<i", n)


def array(rows, columns, data, by_columns=False):
    return (b"cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\x09("
            + b"K\x01" + number(rows) + number(columns) + b"\x86cnumpy\ndtype\nq\x0aU\x02u1K\x00K\x01\x87Rq\x0b("
            + b"K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb" + (b"\x88" if by_columns else b"\x89")
            + text(data) + b"tb")


def numbers(values):
    return b"]q\x05(" + b"".join(number(v) for v in values) + b"e"


def texts(values):
    return b"]q\x0c(" + b"".join(text(v) for v in values) + b"e"


def pickle(items):
    return b"\x80\x02}q\x01(" + b"".join(text(k) + b"r\x02\x00\x00\x00" + v for k, v in items) + b"u."


def pixels(seed, rows):
    return bytes((seed * 37 + i * 11 + i // 3072 * 5) % 251 for i in range(3072 * rows))


def turned(data, rows):
    return bytes(data[row * 3072 + column] for column in range(3072) for row in range(rows))


source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
ten, hundred = source / "ten" / "cifar-10-batches-py", source / "hundred"
for folder in (ten, hundred, target / "ten", target / "hundred"):
    folder.mkdir(parents=True)
for i, old in enumerate([f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]):
    labels, rows = [i, 9 - i, 3], 3
    data = pixels(i, rows)
    (ten / old).write_bytes(pickle([(b"batch_label", text(b"batch")), (b"labels", numbers(labels)),
                                    (b"data", array(rows, 3072, turned(data, rows) if i == 2 else data, i == 2)),
                                    (b"filenames", texts([b"a.png", b"b.png", b"c.png"]))]))
    (target / "ten" / (old + ".bin")).write_bytes(
        b"".join(bytes([labels[r]]) + data[r * 3072:(r + 1) * 3072] for r in range(rows)))
names = [b"airplane", b"automobile", b"bird", b"cat", b"deer", b"dog", b"frog", b"horse", b"ship", b"truck"]
(ten / "batches.meta").write_bytes(pickle([(b"num_cases_per_batch", number(10000)), (b"label_names", texts(names)),
                                           (b"num_vis", number(3072))]))
(target / "ten" / "batches.meta.txt").write_bytes(b"".join(n + b"\n" for n in names))
for i, old in enumerate(["train", "test"]):
    fine, coarse, data = [99, i], [19, 4], pixels(10 + i, 2)
    (hundred / old).write_bytes(pickle([(b"data", array(2, 3072, data)), (b"fine_labels", numbers(fine)),
                                        (b"coarse_labels", numbers(coarse)), (b"batch_label", text(b"x" * 300))]))
    (target / "hundred" / (old + ".bin")).write_bytes(
        b"".join(bytes([coarse[r], fine[r]]) + data[r * 3072:(r + 1) * 3072] for r in range(2)))
kinds = [(b"fine_label_names", [b"fine%d" % n for n in range(100)]),
         (b"coarse_label_names", [b"coarse%d" % n for n in range(20)])]
(hundred / "meta").write_bytes(pickle([(key, texts(values)) for key, values in kinds]))
for key, values in kinds:
    (target / "hundred" / (key.decode() + ".txt")).write_bytes(b"".join(v + b"\n" for v in values))
for what, fine, pixels_of in [("label", [1, 100], array(2, 3072, pixels(0, 2))), ("count", [1, 2, 3], array(2, 3072, pixels(0, 2))),
                              ("width", [1, 2], array(2, 3071, bytes(2 * 3071))), ("bytes", [1, 2], array(2, 3072, bytes(3072)))]:
    (source / f"wrong-{what}").write_bytes(pickle([(b"data", pixels_of), (b"fine_labels", numbers(fine)),
                                                   (b"coarse_labels", numbers([1, 2]))]))
PY
python3 make.py source expected

"$import" cifar10 source/ten made/ten >out.txt
grep -q 'made/ten/data_batch_1.bin: 3 images' out.txt || fail "not told what was made"
diff -r made/ten expected/ten
"$import" cifar10 source/ten/cifar-10-batches-py again >/dev/null
diff -r again expected/ten
"$import" cifar100 source/hundred made/hundred >/dev/null
diff -r made/hundred expected/hundred

"$import" --help >help.txt
grep -q 'TARGET_FOLDER' help.txt || fail "no usage"
expect 64 'expected cifar10' "$import"
expect 64 'no set "cifar"; known: cifar10, cifar100' "$import" cifar a b
expect 64 'made/ten/data_batch_1.bin: is there already' "$import" cifar10 source/ten made/ten
expect 66 'nowhere: no such folder' "$import" cifar10 nowhere new
rm source/ten/cifar-10-batches-py/data_batch_3
expect 66 'data_batch_3: no such file' "$import" cifar10 source/ten new
expect 66 'data_batch_1: no such file' "$import" cifar10 source/hundred new

# What is no pickle, or a pickle that wants more than such a file needs.
refused() {
  printf "$2" >source/hundred/test
  expect 65 "source/hundred/test: has $1" "$import" cifar100 source/hundred new
}
refused 'no pickle of protocol 2 but 3c 21 44 4f' '<!DOCTYPE html>'
refused 'an instruction that needs 2 bytes, more than are left, at byte 0' ''
refused 'the name os system, which no such file needs, at byte 2 ' '\x80\x02cos\nsystem\n(U\x10touch was_run_heretR.'
refused 'the name __builtin__ eval, which no such file needs, at byte 3 ' '\x80\x02}c__builtin__\neval\nU\x03a()\x85R.'
refused 'the name numpy.core.multiarray os, ' '\x80\x02cnumpy.core.multiarray\nos\n.'
refused 'the name o\\x1bs x, ' '\x80\x02co\x1bs\nx\n.'
refused 'instruction 0x69, which no such file needs, at byte 3 ' '\x80\x02(ios\nsystem\n.'
refused 'instruction 0x93, which no such file needs, at byte 14 ' '\x80\x02U\x02osU\x06system\x93.'
refused 'a call of numpy ndarray with arguments' '\x80\x02cnumpy\nndarray\n)R.'
refused 'an array of another type than unsigned bytes at byte ' '\x80\x02cnumpy\ndtype\nU\x02O8\x85R.'
refused 'a call of something that is no name' '\x80\x02U\x02os)R.'
refused 'an instruction that finds nothing to work on at byte 2 ' '\x80\x02.'
refused 'an instruction that finds no mark at byte 2 ' '\x80\x02t.'
refused 'memo 7, which was never written, at byte 2 ' '\x80\x02h\x07.'
refused 'an instruction that needs 1600085855 bytes' '\x80\x02T____.'
refused 'no dictionary' '\x80\x02].'
[[ ! -e was_run_here ]] || fail "a pickle was run"

# Pickles of the right form with the wrong content.
cp source/hundred/train source/hundred/data_batch_1
expect 65 'source/hundred/data_batch_1: no list "labels"' "$import" cifar10 source/hundred new
wrong() {
  cp source/wrong-"$2" source/hundred/test
  expect 65 "source/hundred/test: $1" "$import" cifar100 source/hundred new
}
wrong 'fine_labels 100 at row 1 \(expected 0 to 99\)' label
wrong '2 images but 3 fine_labels' count
wrong 'data of 2 x 3071' width
wrong 'has an array of 2 x 3072 in 3072 bytes at byte' bytes
[[ ! -e new ]] || fail "a refused set left something behind"
echo ok
