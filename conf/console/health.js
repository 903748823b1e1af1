// Copyright (C) the nginx-liveupdate authors

// The health of a release: what became of the devices that were offered it,
// beside those that were not, as numbers and over time.

import { chart } from './charts.js';
import { element, foreign, number, percent, table, time } from './dom.js';
import { linked } from './release.js';

const DEVICES = [
    { look: 'plain', name: 'offered', of: (one) => one.rollout.offered },
    { look: 'plain-dashed', name: 'got it', of: (one) => one.rollout.got },
    { look: 'good', name: 'ran it', of: (one) => one.rollout.ran },
];

const INSTALLATIONS = [
    DEVICES[0],
    { look: 'plain-dashed', name: 'fetched it',
      of: (one) => one.rollout.fetched },
    { look: 'good', name: 'asked again', of: (one) => one.rollout.askedAgain },
];

const SHARES = [
    { look: 'bad', name: 'came back', of: (one) => back(one.rollout) },
    { look: 'bad-dashed', name: 'came back, control group',
      of: (one) => back(one.control) },
    { look: 'wait', name: 'silent', of: (one) => silent(one.rollout) },
    { look: 'wait-dashed', name: 'silent, control group',
      of: (one) => silent(one.control) },
];


export function health({ app, channels, healths }, byId) {
    return (healths || []).map((one) => {
        const channel = channels.find(({ id }) => id === one.appChannelId);

        if (!channel && !one.releaseId) {
            return null;
        }

        const key = `health/${channel ? channel.id : one.releaseId}`;
        const release = byId.get(channel ? one.bundleId : one.releaseId);
        const name = channel ? channel.name : one.releaseId;
        const devices = channel ? 'Devices' : 'Installations';

        return element('section', { 'data-key': key },
            element('h2', {}, channel ? 'Health in ' : 'Health of ',
                    foreign(name)),
            element('p', { class: 'quiet' },
                release ? [linked(app, release), ', deployed '] : 'Deployed ',
                time(one.createdAt), '. ', said(one)),
            element('div', { class: 'charts' },
                chart(`${devices} in the rollout`,
                      channel ? DEVICES : INSTALLATIONS, one.series, number),
                chart('Shares of both groups',
                      channel ? SHARES : SHARES.slice(2), one.series,
                      percent)),
            table(channel ? `Health in ${name}` : `Health of ${name}`,
                [devices, { name: 'In the rollout', class: 'number' },
                 { name: 'Control group', class: 'number' }],
                rows(one, !channel), true));
    });
}


function said({ guard, guarded, releaseId, verdict }) {
    if (guarded) {
        return ['The guard objected, ', time(guarded.at), ': ',
                foreign(guarded.reason)];
    }

    if (!guard) {
        return releaseId ? 'The app has no guard.'
                         : 'The channel has no guard.';
    }

    if (verdict.reason) {
        return foreign(verdict.reason);
    }

    return verdict.comeback.lower === null
           ? 'The guard has not seen enough devices: it waits for '
             + `${number(guard.minimum)} in each group, or for as many that `
             + 'got the release if everybody is offered it.'
           : 'The guard sees nothing wrong.';
}


// What runs in an installation is not known.

function rows({ rollout, control, silence }, isDesktop) {
    const line = (name, of) => ({
        key: name, cells: [name, of(rollout), of(control)],
    });

    return [
        line('offered the release, or an older one', (one) =>
            number(one.offered)),
        ...isDesktop ? [
            line('fetched it', (one) => number(one.fetched)),
        ] : [
            line('got it', (one) => number(one.got)),
            line('fetched it whole', (one) => number(one.fetched)),
            line('ran it', (one) => number(one.ran)),
            line('came back', (one) => part(one.cameBack, one.offered)),
            line('stuck', (one) => part(one.stuck, one.offered)),
        ],
        line('asked again', (one) => number(one.askedAgain)),
        ...silence.map((window) => ({
            key: `silent/${window.days}`,
            cells: [`silent for ${window.days} days`,
                    part(window.rollout.silent, window.rollout.due),
                    part(window.control.silent, window.control.due)],
        })),
    ];
}


function part(value, whole) {
    return whole ? `${number(value)} (${percent(value / whole)})`
                 : number(value);
}


function back({ cameBack, offered }) {
    return offered ? cameBack / offered : null;
}


function silent({ silent, due }) {
    return due ? silent / due : null;
}
