'use strict';

// Copyright (C) the nginx-liveupdate authors

// Our reader of multipart/form-data beside busboy: the same parts with the
// same names and bytes.

const { chance, differ, mutate, pick, random, repeat }
    = require('./differ.js');

const busboy = require('busboy');

const boundaries = ['b', '----WebKitFormBoundary7MA4YWxkTrZu0gW', 'a-b',
    '--', 'x y', "'()+_,-./:=?", 'X'.repeat(70), '--------------------------1'];
const bodies = ['', 'x', '\r\n', '\r\n--', '--b', '\r\n--b', '\r\n--bX',
    'a\r\n--b-', '\r', '\n', '\0', '\r\n\r\n', 'é', '{"a": 1}', 'Y'.repeat(999)];
const names = ['file', 'blob', 'partNumber', 'checksum', 'größe', 'a b', 'x;y',
    '%22', 'a\\"b'];
const words = ['\r\n', '--', '\r\n--b', '\n', '\r', '"', ';', '=', ' ', '\t',
    'name', 'filename', 'Content-Disposition: form-data; name="x"\r\n',
    'Content-Type: text/plain\r\n', 'charset=utf-8', '\0', ':', ','];

function part() {
    const name = pick(names);
    const file = chance(50) ? `; filename="${pick(['x', 'a b.zip', ''])}"` : '';
    const type = chance(50) ? 'Content-Type: application/octet-stream\r\n' : '';
    const lines = [`Content-Disposition: form-data; name="${name}"${file}\r\n`,
                   type];

    return (chance(10) ? lines.reverse() : lines).join('') + '\r\n'
           + repeat(random(3), () => pick(bodies)).join('');
}

function make() {
    const boundary = pick(boundaries);
    const quoted = /^[\w-]+$/.test(boundary) && chance(70)
        ? boundary : `"${boundary}"`;
    const type = `multipart/form-data; boundary=${quoted}`
                 + (chance(10) ? '; charset=utf-8' : '');
    const body = repeat(random(4), part)
        .map(text => `--${boundary}\r\n${text}\r\n`).join('')
        + `--${boundary}--` + pick(['\r\n', '', 'epilogue']);

    const bytes = chance(40) ? mutate(body, words) : Buffer.from(body);
    const end = bytes.indexOf(`--${boundary}--`) + boundary.length + 4;

    // busboy goes on behind a closing delimiter that is not alone in its line,
    // and refuses a part that has no body at all (RFC 2046, section 5.1.1)
    return ['', '\r\n', 'ep'].includes(bytes.toString('latin1', end, end + 2))
        && !bytes.includes(`\r\n\r\n--${boundary}`)
        ? Buffer.concat([Buffer.from(`${type}\n`), bytes]) : make();
}

function theirs(buffer) {
    const end = buffer.indexOf('\n');
    const parts = [];

    return new Promise((resolve, reject) => {
        const parser = busboy({
            headers: { 'content-type': buffer.subarray(0, end).toString() },
            defParamCharset: 'utf8',
        });

        parser.on('file', (name, stream) => {
            const part = [name];

            parts.push(part);
            stream.on('data', data => part.push(data));
            stream.on('error', reject);
        });

        parser.on('field', (name, value) => {
            parts.push([name, Buffer.from(value)]);
        });

        parser.on('error', reject);
        parser.on('close', () => resolve(parts.map(([name, ...data]) =>
            `,${name}=${Buffer.concat(data)}`).join('')));

        parser.end(buffer.subarray(end + 1));

        // of some bodies it says nothing at all
        setImmediate(keep, 20);

        function keep(n) {
            if (n) {
                setImmediate(keep, n - 1);
            } else {
                reject(new Error('busboy does not end'));
            }
        }
    });
}

// Names and fields are text for busboy.

function unlike(ours, theirs) {
    const text = ours.replace(/[0-9a-f]+/g,
                              hex => Buffer.from(hex, 'hex').toString());

    if (text === theirs) {
        return undefined;
    }

    // what follows a name is not looked at: clients do not agree on how to
    // write a file name with a quote in it
    const left = text.split(',').reduce((rest, part) =>
        rest.length && rest[0] === part ? rest.slice(1) : rest,
                                        theirs.split(','));

    return left.length === 0 || theirs === ''
        ? { known: 'busboy drops a part that is malformed behind its name' }
        : `we: ${text}\n    they: ${theirs}`;
}

differ({ kind: 'multipart', other: 'busboy', make, theirs,
         unlike, stricter: [/./] });
