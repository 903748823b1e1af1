// Copyright (C) the nginx-liveupdate authors

// The last 30 days of an application: checks per hour, and how its releases
// spread.

import { LOOKS, chart } from './charts.js';
import { element, number } from './dom.js';
import { nameOf } from './release.js';

const HOUR = 3600000;

// Releases of which a line is drawn: those that were asked for most.

const LINES = 5;


export function history({ app, history: hours }, byId) {
    if (!hours || hours.length < 2) {
        return null;
    }

    const series = filled(hours);
    const mobile = hours.some(({ releases }) =>
        releases.some(({ devices }) => devices !== undefined));
    const value = (one) => (mobile ? one.devices : one.checks) || 0;

    return element('section', { 'data-key': 'history' },
        element('h2', {}, 'The last 30 days'),
        element('p', { class: 'quiet' }, 'The last hour is not over yet; its '
                + 'numbers come every five minutes.'),
        element('div', { class: 'charts' },
            chart(mobile ? 'Devices by the release that they run'
                         : 'Checks per hour by release',
                  spread(series, value, byId), series, number),
            chart('Checks per hour',
                  [{ look: 'plain', name: 'checks',
                     of: ({ checks }) => checks }], series, number)));
}


// An hour that nobody counted had no checks.

function filled(hours) {
    const known = new Map(hours.map((one) => [Date.parse(one.at), one]));
    const last = Math.max(...known.keys());
    const series = [];

    for (let at = Math.min(...known.keys()); at <= last; at += HOUR) {
        series.push(known.get(at) || {
            at: new Date(at).toISOString(), checks: 0, releases: [],
        });
    }

    return series;
}


function spread(series, value, byId) {
    const most = new Map();

    for (const { releases } of series) {
        for (const one of releases) {
            if (one.release !== '') {
                most.set(one.release, Math.max(value(one),
                                               most.get(one.release) || 0));
            }
        }
    }

    return [...most.entries()].sort(([, a], [, b]) => b - a).slice(0, LINES)
        .map(([id], i) => ({
            look: LOOKS[i],
            name: byId.has(id) ? nameOf(byId.get(id)) : id,
            of: ({ releases }) => {
                const one = releases.find(({ release }) => release === id);

                return one ? value(one) : 0;
            },
        }));
}
