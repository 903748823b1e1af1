'use strict';

// Copyright (C) the nginx-liveupdate authors

// Our comparison of version codes beside semver's, where that knows them, and
// beside numbers of any size elsewhere.

const { chance, clients, differ, pick, random, repeat, unlike }
    = require('./differ.js');

const semver = clients('semver');

const number = () => chance(70) ? String(random(12))
    : pick(['00', '007', '2147483648', '4294967296', '9007199254740993',
            '9007199254740992', '18446744073709551616', '0', '']);
const version = () => chance(95)
    ? repeat(1 + random(4), number).join('.')
    : pick(['', '.', 'v1', '1.0-beta', '1..0', ' 1', '1 ', '-1', '1,0',
            '1'.repeat(64), '1'.repeat(65), '١']);

function make() {
    const one = version();

    return `${one}\n${chance(20) ? one + '.0' : version()}`;
}

function theirs(buffer) {
    const [a, b] = buffer.toString().split('\n');

    for (const version of [a, b]) {
        if (!/^[0-9]+(\.[0-9]+)*$/.test(version) || version.length > 64) {
            throw new Error(`"${version}" is no version code`);
        }
    }

    if (semver.valid(a) && semver.valid(b)) {
        return String(semver.compare(a, b));
    }

    const [x, y] = [a, b].map(version => version.split('.').map(BigInt));

    for (let i = 0; i < Math.max(x.length, y.length); i++) {
        const [one, two] = [x[i] ?? 0n, y[i] ?? 0n];

        if (one !== two) {
            return one < two ? '-1' : '1';
        }
    }

    return '0';
}

differ({ kind: 'version', other: 'semver and BigInt', make, theirs,
         unlike: unlike(value => value), stricter: [] });
