'use strict';

// Copyright (C) the nginx-liveupdate authors

// Our reader of JSON beside JSON.parse(): what we accept and print again is
// the same value.

const { chance, differ, mutate, pick, random, repeat, unhex, unlike }
    = require('./differ.js');

const strings = ['', 'a', 'id', 'rule', 'größe', '日本', '𝄞', '\\n', '\\"', '\\\\',
    '\\/', '\\b\\f\\r\\t', '\\u0041', '\\u00e9', '\\ud834\\udd1e', '\\ud834',
    '\\udd1e', '\\u0000', '\\u000', '\\x', '\u007f', '\u2028', '\ufeff',
    '__proto__', 'constructor', 'length', '0'];
const numbers = ['0', '-0', '1', '-1', '10', '01', '1.', '.5', '1.5', '1e5',
    '1E+5', '1e-5', '1e', '+1', '1e308', '1.7976931348623157e308',
    '1.7976931348623159e308', '1e309', '-1e400', '5e-324', '1e-400',
    '9007199254740993', '123456789012345678901234567890', '0.1',
    '3.141592653589793238', '2.2250738585072011e-308', '1e00000001', 'NaN',
    'Infinity', '0x10', '1_0', '4.35', '0.000001', '123456.789e3'];
const words = ['{', '}', '[', ']', ',', ':', '"', 'null', 'true', 'false',
    '\\u', '\\', ' ', '\n', '\t', '\r', '\v', '\u00a0', '\ufeff', '//', '/**/',
    "'", '\0', ...numbers];

const space = () => chance(20) ? pick([' ', '\n', '\t', '\r', '  ']) : '';
const string = () => `"${repeat(random(4), () => pick(strings)).join('')}"`;

function value(depth) {
    switch (random(depth > 5 ? 4 : 6)) {
    case 0:
        return string();
    case 1:
        return pick(numbers);
    case 2:
        return pick(['true', 'false', 'null', 'True', 'nul']);
    case 3:
        return String((random(2) ? 1 : -1) * random(1e9)
                      * 10 ** (random(40) - 20));
    case 4:
        return `[${repeat(random(5), () => space() + value(depth + 1)
                                           + space()).join(',')}]`;
    default:
        return `{${repeat(random(5), () => space() + string() + space() + ':'
                                           + space() + value(depth + 1)
                                           + space()).join(',')}}`;
    }
}

function make() {
    if (chance(1)) {
        const depth = random(80);

        return '['.repeat(depth) + '1' + ']'.repeat(depth);
    }

    const text = space() + value(0) + space();

    return chance(50) ? mutate(text, words) : text;
}

// cJSON prints 15 digits if what is read again is nearly the same: numbers are
// compared with as many.

const digits = (key, item) =>
    typeof item === 'number' ? Number(item.toPrecision(15)) : item;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

differ({
    kind: 'json',
    other: 'JSON.parse()',
    make,
    theirs: buffer => JSON.stringify(JSON.parse(utf8.decode(buffer)), digits),
    unlike: unlike(hex => JSON.stringify(JSON.parse(unhex(hex).toString()),
                                         digits)),
    stricter: [
        /the same key twice/,
        /too large for a double/,
        /nested/,
        /half of a surrogate pair/,
        /contains "\\u0000"/,
    ],
});
