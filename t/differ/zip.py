#!/usr/bin/python3

# Copyright (C) the nginx-liveupdate authors

# Our check of zip archives beside Python's zipfile and zip4j, with which
# Android's plugin unpacks them: of what we accept, both unpack the same files.
#
# DIFFER_ZIPS  how many, 3,000 if not set
# DIFFER_SEED  the seed, a whole number

import collections
import hashlib
import io
import os
import random
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import time
import zipfile

SEED = int(os.environ.get('DIFFER_SEED', time.time()))
ZIPS = int(os.environ.get('DIFFER_ZIPS', 3000))
HERE = os.path.dirname(os.path.abspath(__file__))
SHOWN = 5

rand = random.Random(SEED)

NAMES = ['a.js', 'assets/a.js', 'assets/b.css', 'a b.txt', 'größe.js', 'x/y/z',
         'empty', './c.js', 'www/index.html', 'd/', 'A.js', '日本.js',
         '__MACOSX/._a', '.well-known/x', 'a.js/b', '/abs', '../up', 'a//b',
         'a\\b', 'con', 'aux.js', 'trail.', 'tr ail ', 'x\x7f']


def content():
    return rand.choice([b'', b'x', b'<html>', os.urandom(50), b'abc' * 999])


class Stream(io.RawIOBase):
    """What cannot seek gets data descriptors."""

    def __init__(self):
        self.bytes = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.bytes += data
        return len(data)


def by_zipfile(files):
    stream = Stream() if rand.random() < .3 else io.BytesIO()
    method = rand.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED,
                          zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])

    with zipfile.ZipFile(stream, 'w', method) as z:
        for name, data in files:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            info.create_system = rand.choice([0, 3, 3])
            mode = stat.S_IFDIR if name.endswith('/') else stat.S_IFREG
            info.external_attr = (mode | rand.choice([0o755, 0o644, 0o555,
                                                      0])) << 16

            with z.open(info, 'w', force_zip64=rand.random() < .1) as f:
                f.write(data if not name.endswith('/') else b'')

        if rand.random() < .1:
            z.comment = rand.choice([b'hello', b'PK\5\6' + bytes(18)])

    return bytes(stream.bytes if isinstance(stream, Stream)
                 else stream.getvalue())


def by_tool(files):
    """As a team's tools do it: of a folder, so without what no folder has."""

    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f'{folder}/d')

        for name, data in files:
            path = os.path.normpath(f'{folder}/d/{name}')

            if not path.startswith(f'{folder}/d/') or name.endswith('/'):
                continue

            try:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, 'wb') as f:
                    f.write(data)
            except OSError:
                pass

        with open(f'{folder}/d/index.html', 'w') as f:
            f.write('<html>')

        command = rand.choice([
            ['zip', '-qr', '../x.zip', '.'],
            ['zip', '-qr', '-0', '../x.zip', '.'],
            ['zip', '-qrD', '../x.zip', '.'],
            ['bsdtar', '-acf', '../x.zip', '.'],
            ['bsdtar', '-acf', '../x.zip'] + os.listdir(f'{folder}/d'),
        ])

        subprocess.run(command, cwd=f'{folder}/d', check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        with open(f'{folder}/x.zip', 'rb') as f:
            return f.read()


def mutate(data):
    """Fields of headers rather than bytes of contents."""

    data = bytearray(data)
    places = [i for i in range(len(data) - 4)
              if data[i:i + 4] in (b'PK\1\2', b'PK\3\4', b'PK\5\6',
                                   b'PK\6\6', b'PK\7\x08')]

    for _ in range(rand.randint(1, 3)):
        at = rand.choice(places) + rand.randint(0, 60) if places else 0
        at = min(at, len(data) - 2)
        how = rand.randint(0, 5)

        if how == 0:
            data[at] ^= 1 << rand.randint(0, 7)
        elif how == 1:
            data[at] = rand.randint(0, 255)
        elif how == 2:
            struct.pack_into('<H', data, at,
                             rand.choice([0, 1, 8, 0x800, 0xffff]))
        elif how == 3:
            data[at:at] = os.urandom(rand.randint(1, 4))
        elif how == 4:
            del data[at:at + rand.randint(1, 4)]
        else:
            data = data + rand.choice([b'\0', b'PK\5\6' + bytes(18), data])

    return bytes(data)


def make():
    names = rand.sample(NAMES, rand.randint(0, 4))

    if rand.random() < .95:
        names.insert(rand.randint(0, len(names)), 'index.html')

    if rand.random() < .05 and names:
        names.append(rand.choice(names))

    files = [(name, content()) for name in names]
    data = by_tool(files) if rand.random() < .3 and files \
        else by_zipfile(files)

    return mutate(data) if rand.random() < .6 else data


def by_python(path):
    with zipfile.ZipFile(path) as z:
        files = {}

        for info in z.infolist():
            name = os.path.normpath(info.filename)

            # zip4j leaves out what the Finder adds, by the name as it is
            if (not info.is_dir()
                    and not info.filename.startswith('__MACOSX')):
                files[name] = hashlib.sha256(z.read(info)).hexdigest()

        return ','.join(sorted(f'{name.encode().hex()}={digest}'
                               for name, digest in files.items()))


def main():
    folder = tempfile.mkdtemp()
    paths = [f'{folder}/{i}.zip' for i in range(ZIPS)]

    import warnings
    warnings.simplefilter('ignore')

    for path in paths:
        with open(path, 'wb') as f:
            f.write(make())

    frames = b''.join(struct.pack('>I', len(p)) + p.encode() for p in paths)
    lines = '\n'.join(paths) + '\n'

    ours = subprocess.run([os.environ['DIFFER_READER'], 'zip'], input=frames,
                          stdout=subprocess.PIPE, check=True).stdout
    java = subprocess.run(['java', '-Dfile.encoding=UTF-8',
                           '-Dsun.jnu.encoding=UTF-8', '-cp',
                           '/usr/share/java/zip4j.jar',
                           f'{HERE}/Reader.java', 'zip'],
                          input=lines.encode(), stdout=subprocess.PIPE,
                          check=True,
                          env={**os.environ, 'LC_ALL': 'C.UTF-8'}).stdout

    ours = ours.decode('utf-8', 'replace').splitlines()
    java = java.decode().splitlines()
    counts = collections.Counter()
    stricter = collections.Counter()
    differences = []

    for path, our, jav in zip(paths, ours, java, strict=True):
        try:
            pyt = '+' + by_python(path)
        except Exception as e:
            pyt = f'-{e!r}'

        if our[0] == '-':
            if pyt[0] == jav[0] == '+' and pyt == jav:
                stricter[our[1:]] += 1
            else:
                counts['refused'] += 1

        elif pyt != jav or pyt[0] == '-':
            differences.append((path, pyt, jav))

        else:
            counts['alike'] += 1

    print(f'# zip beside zipfile and zip4j: {ZIPS} archives, seed {SEED}')
    print(f'  {counts["alike"]} understood alike, {counts["refused"]} refused'
          ' that the others refuse or understand differently')

    for why, n in stricter.most_common():
        print(f'  {n} refused by us alone: {why}')

    print(f'  {len(differences)} disagree')

    for path, pyt, jav in differences[:SHOWN]:
        print(f'  {path}\n    zipfile: {pyt[:300]}\n    zip4j: {jav[:300]}')

    if differences or not counts['alike']:
        print(f'  the archives are in {folder}')
        return 1

    shutil.rmtree(folder)
    return 0


sys.exit(main())
