// Copyright (C) the nginx-liveupdate authors

// Numbers as drawings, with the same numbers as text beside: lines over time,
// and bars of shares.

import { drawing, element, foreign, percent } from './dom.js';

const WIDTH = 360;
const HEIGHT = 140;

// Room for the labels of the axes.

const LEFT = 56;
const BELOW = 22;

// Of lines and of the parts of bars, in this order.

export const LOOKS = [
    'plain', 'good', 'wait', 'bad', 'plain-dashed', 'good-dashed',
];

const DATE = new Intl.DateTimeFormat('en-GB', {
    day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit',
});


// Lines over time; a point that has no value is left out.

export function chart(title, lines, series, text) {
    const times = series.map((one) => Date.parse(one.at));
    const first = Math.min(...times);
    const last = Math.max(...times, first + 1);

    const values = lines.map(({ of }) => series.map(of));
    const most = Math.max(...values.flat().filter(Number.isFinite));

    if (series.length < 2 || !Number.isFinite(most)) {
        return element('figure', {},
            element('figcaption', {}, title),
            element('p', { class: 'quiet' }, 'Nothing to draw yet.'));
    }

    const top = most > 0 ? most : 1;
    const x = (at) => LEFT + (WIDTH - LEFT) * (at - first) / (last - first);
    const y = (value) => (HEIGHT - BELOW) * (1 - value / top) + 8;

    const drawn = values.map((line, i) => drawing('polyline', {
        class: `line ${lines[i].look}`,
        points: line.flatMap((value, n) => value === null ? []
            : [`${x(times[n]).toFixed(1)},${y(value).toFixed(1)}`]).join(' '),
    }));

    const ends = values.map((line, i) => {
        const value = line[line.length - 1];

        return `${lines[i].name}: ${value === null ? '–' : text(value)}`;
    });

    return element('figure', {},
        element('figcaption', {}, title),
        drawing('svg', {
            viewBox: `0 0 ${WIDTH} ${HEIGHT + 16}`,
            role: 'img',
            'aria-label': `${title}, until ${DATE.format(last)}: `
                          + ends.join(', '),
        },
        drawing('path', { class: 'axis',
                          d: `M${LEFT},8V${y(0)}H${WIDTH}` }),
        drawing('text', { x: LEFT - 6, y: 14, class: 'value' }, text(top)),
        drawing('text', { x: LEFT - 6, y: y(0), class: 'value' }, text(0)),
        drawing('text', { x: LEFT, y: HEIGHT + 10 }, DATE.format(first)),
        drawing('text', { x: WIDTH, y: HEIGHT + 10, class: 'value' },
                DATE.format(last)),
        drawn),
        element('ul', { class: 'legend' }, ends.map((end, i) =>
            element('li', { class: lines[i].look }, end))));
}


// A bar of shares that are 1 together: parts are { name, share, look }.

export function bar(title, parts) {
    let x = 0;

    const drawn = parts.map(({ share, look }) => {
        const made = drawing('rect', { x: (100 * x).toFixed(2), y: 0,
                                       width: (100 * share).toFixed(2),
                                       height: 10, class: `part ${look}` });
        x += share;

        return made;
    });

    const said = parts.map(({ name, share }) => `${name} ${percent(share)}`);

    return element('figure', { class: 'bar', 'data-key': `bar/${title}` },
        element('figcaption', {}, foreign(title)),
        drawing('svg', {
            viewBox: '0 0 100 10', preserveAspectRatio: 'none', role: 'img',
            'aria-label': `${title}: ${said.join(', ')}`,
        }, drawn),
        element('ul', { class: 'legend' }, parts.map(({ look }, i) =>
            element('li', { class: look }, foreign(said[i])))));
}
