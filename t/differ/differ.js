'use strict';

// Copyright (C) the nginx-liveupdate authors

// Inputs are made by chance, from a seed that is printed; our reader and
// another one read each, and what only one of them accepts, or what they
// understand differently, is told.
//
// DIFFER_INPUTS  how many, 20,000 if not set
// DIFFER_SEED    the seed, a whole number

const { spawnSync } = require('child_process');
const path = require('path');

const seed = Number(process.env.DIFFER_SEED ?? Date.now() % 1e9);
const inputs = Number(process.env.DIFFER_INPUTS ?? 20_000);

const SHOWN = 5;


// xorshift32

let state = seed | 0 || 1;

function random(n) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;

    return (state >>> 0) % n;
}

const pick = list => list[random(list.length)];
const chance = percent => random(100) < percent;
const repeat = (n, make) => Array.from({ length: n }, make);


// Bytes changed, doubled, moved or taken away.

function mutate(bytes, words = []) {
    let buffer = Buffer.from(bytes);

    for (let n = 1 + random(3); n > 0; n--) {
        const at = random(buffer.length + 1);
        const end = Math.min(buffer.length, at + 1 + random(8));
        const head = buffer.subarray(0, at);
        const tail = buffer.subarray(at);

        switch (random(words.length ? 5 : 4)) {
        case 0:
            buffer = Buffer.concat([head, Buffer.from([random(256)]), tail]);
            break;
        case 1:
            buffer = Buffer.concat([head, buffer.subarray(end)]);
            break;
        case 2:
            buffer = Buffer.concat([head, buffer.subarray(at, end), tail]);
            break;
        case 3:
            buffer = Buffer.from(buffer);
            if (at < buffer.length) {
                buffer[at] ^= 1 << random(8);
            }
            break;
        default:
            buffer = Buffer.concat([head, Buffer.from(pick(words)), tail]);
        }
    }

    return buffer;
}


// Two values of which ours has to be understood first.

const unlike = understand => (ours, theirs) => understand(ours) === theirs
    ? undefined : `we: ${understand(ours)}\n    they: ${theirs}`;


// What our reader says of each input: { ok, value } or { ok, why }.

function ours(kind, buffers) {
    const frames = [];

    for (const buffer of buffers) {
        const head = Buffer.alloc(4);

        head.writeUInt32BE(buffer.length);
        frames.push(head, buffer);
    }

    const reader = spawnSync(process.env.DIFFER_READER, [kind], {
        input: Buffer.concat(frames),
        maxBuffer: 1 << 30,
        stdio: ['pipe', 'pipe', 'inherit'],
    });

    if (reader.status !== 0) {
        throw new Error(`the reader has ended with ${reader.status}`);
    }

    const lines = reader.stdout.toString().split('\n').slice(0, -1);

    if (lines.length !== buffers.length) {
        throw new Error('the reader did not read all');
    }

    return lines.map(line => line[0] === '+'
        ? { ok: true, value: line.slice(1) }
        : { ok: false, why: line.slice(1) });
}


// make() returns an input; theirs(input) what the other reader understands, or
// throws; unlike(ours, theirs) what is different in it, or an object if it is
// known and why; stricter has the reasons for which we alone may refuse.

async function differ({ kind, other, make, theirs, unlike, stricter }) {
    const buffers = repeat(inputs, () => Buffer.from(make()));
    const results = ours(kind, buffers);
    const counts = { both: 0, none: 0 };
    const only = new Map(), known = new Map();
    const differences = [];

    for (const [i, buffer] of buffers.entries()) {
        const result = results[i];
        let value, why;

        try {
            value = await theirs(buffer);
        } catch (e) {
            why = e.message;
        }

        if (!result.ok && value === undefined) {
            counts.none++;

        } else if (!result.ok) {
            if (stricter.some(reason => reason.test(result.why))) {
                only.set(result.why, (only.get(result.why) ?? 0) + 1);
            } else {
                differences.push([buffer, `only we refuse: ${result.why}`]);
            }

        } else if (value === undefined) {
            differences.push([buffer, `only we accept: ${why}`]);

        } else if ((why = unlike(result.value, value))?.known) {
            known.set(why.known, (known.get(why.known) ?? 0) + 1);

        } else if (why) {
            differences.push([buffer, why]);

        } else {
            counts.both++;
        }
    }

    console.log(`# ${kind} beside ${other}: ${inputs} inputs, seed ${seed}`);
    console.log(`  ${counts.both} understood alike, ${counts.none} refused by`
                + ' both');

    for (const [why, n] of [...only].sort((a, b) => b[1] - a[1])) {
        console.log(`  ${n} refused by us alone: ${why}`);
    }

    for (const [why, n] of known) {
        console.log(`  ${n} understood differently: ${why}`);
    }

    console.log(`  ${differences.length} disagree`);

    for (const [buffer, what] of differences.slice(0, SHOWN)) {
        console.log(`  ${JSON.stringify(buffer.toString('latin1'))}`);
        console.log(`    ${what}`);
    }

    process.exitCode = differences.length || counts.both === 0 ? 1 : 0;
}


const unhex = hex => Buffer.from(hex, 'hex');
const clients = name => require(path.join(__dirname, '..', 'clients',
                                          'node_modules', name));

module.exports = { chance, clients, differ, inputs, mutate, ours, pick, random,
                   repeat, seed, unhex, unlike };
