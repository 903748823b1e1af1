// Copyright (C) the nginx-liveupdate authors

// What is live: in which channel, by which rule, for which share of the
// clients; and which releases the devices run.

import { LOOKS, bar } from './charts.js';
import {
    button, code, element, foreign, none, number, percent, share, table, time,
} from './dom.js';
import {
    PLATFORMS, by, linked, may, nameOf, place, placeName,
} from './release.js';


const RULES = {
    buildByIp: 'by address', buildByPlatform: 'by platform',
    buildByRollout: 'by share', build: 'for everybody', appByIp: 'by address',
    latest: 'latest release',
};


// -- what is live ------------------------------------------------------------

export function channelsNow({ app, releases, channels }, byId) {
    const rows = channels.flatMap((channel) => {
        const given = releases.flatMap((release) =>
            (release.shares || [])
                .filter((one) => one.channelId === channel.id)
                .map((one) => ({ ...one, release })))
            .sort((a, b) => a.createdAt < b.createdAt ? 1 : -1);

        const left = 1 - given.reduce((sum, one) => sum + one.share, 0);

        const first = [foreign(channel.name), channelState(app, channel)];
        const actions = channelActions(channel);

        const lines = given.map((one, i) => ({
            key: `${channel.id}/${one.release.id}`,
            cells: [
                i === 0 ? first : [foreign(channel.name)],
                linked(app, byId.get(one.release.id)),
                [share(one.share), growth(one)],
                by(one.createdBy, one.createdAt),
                i === 0 ? actions : none(),
            ],
        }));

        if (left > 1e-9) {
            lines.push({ key: `${channel.id}/`, cells: [
                given.length ? [foreign(channel.name)] : first,
                noUpdate(), rest(left), none(), given.length ? none() : actions,
            ] });
        }

        return lines;
    });

    return element('section', { 'data-key': 'channels' },
        element('h2', {}, 'Channels: who gets what'),
        channels.length === 0
            ? element('p', { class: 'quiet' }, 'There are no channels.')
            : table('Channels', ['Channel', 'Release', 'Share of devices',
                                 'Deployed',
                                 'Actions'], rows),
        freezes(app));
}


function channelActions(channel) {
    const data = { 'data-channel': channel.id };

    const made = [
        channel.totalAppDeployments > 1 && may('approve')
            && button('rollback', 'Roll back…', channel.name, data),
        may('publish')
            && button('minimum', 'Set a minimum…', channel.name, data),
    ].filter(Boolean);

    return made.length ? element('p', { class: 'actions' }, made) : none();
}


function noUpdate() {
    return element('span', { class: 'quiet' }, 'no update');
}


function rest(left) {
    return element('span', { class: 'quiet' }, percent(left));
}


function channelState(app, channel) {
    const words = [];

    if (channel.id === app.appChannelId) {
        words.push('default channel');
    }

    if (channel.protected) {
        words.push('protected');
    }

    const { buildNumber, androidAppVersionCode, iosAppVersionCode }
        = channel.minimum || {};

    if (buildNumber) {
        words.push(`builds older than ${buildNumber} must update`);
    }

    if (androidAppVersionCode) {
        words.push('Android apps older than version code '
                   + `${androidAppVersionCode} must update`);
    }

    if (iosAppVersionCode) {
        words.push(`iOS apps older than ${iosAppVersionCode} must update`);
    }

    if (channel.pausedAt) {
        words.push('paused: nobody gets an update');
    }

    if (channel.expiresAt) {
        words.push(new Date(channel.expiresAt) <= Date.now()
                   ? 'expired: nobody gets an update'
                   : ['expires ', time(channel.expiresAt)]);
    }

    return words.length
        ? element('small', {}, words.map((one, i) => [i ? ', ' : '', one]))
        : null;
}


export function desktopNow({ app, releases, rules }, byId) {
    const given = releases.flatMap((release) => (release.shares || [])
        .filter((one) => one.platform)
        .map((one) => ({ ...one, release })));

    // a platform without a release is shown, too

    const asked = new Map(given.map((one) => [askedFor(one), one]));

    for (const platform of Object.keys(PLATFORMS)) {
        if (!given.some((one) => one.platform === platform)) {
            asked.set(platform, { platform });
        }
    }

    const order = Object.keys(PLATFORMS);

    const places = [...asked.values()].sort((a, b) =>
        order.indexOf(a.platform) - order.indexOf(b.platform)
        || askedFor(a).localeCompare(askedFor(b)));

    const rows = places.flatMap((whom) => {
        const name = askedFor(whom);
        const some = given.filter((one) => askedFor(one) === name)
            .sort((a, b) => b.share - a.share);

        const left = 1 - some.reduce((sum, one) => sum + one.share, 0);

        const lines = some.map((one) => ({
            key: `${name}/${one.release.id}`,
            cells: [place(one), linked(app, byId.get(one.release.id)),
                    share(one.share)],
        }));

        if (left > 1e-9) {
            lines.push({ key: `${name}/`, cells: [
                place(whom), noUpdate(), rest(left),
            ] });
        }

        return lines;
    });

    const list = (rules.releaseRedirections || []).map((rule) => [
        rule.rule, rule.buildId, audience(rule),
    ]);

    if (rules.latestReleaseBuildId) {
        list.push(['latest', rules.latestReleaseBuildId,
                   'everybody else']);
    }

    return element('section', { 'data-key': 'desktop' },
        element('h2', {}, 'Desktop: who gets what'),
        bars(places, given),
        table('Platforms', ['Platform', 'Release', 'Share of installations'],
              rows),
        app.minimumVersion
            && element('p', { class: 'quiet' }, 'Apps older than ',
                       foreign(app.minimumVersion), ' must update.'),
        freezes(app),
        element('h3', {}, 'Rules'),
        list.length === 0
            ? element('p', { class: 'quiet' }, 'There are no rules.')
            : table('Rules', ['Rule', 'Release', 'For'],
                list.map(([rule, id, whom], i) => ({ key: `rule-${i}`, cells: [
                    ruleName(rule),
                    byId.has(id) ? linked(app, byId.get(id))
                                 : id ? code(id) : none(),
                    whom,
                ] }))),
        may('approve') && element('p', { class: 'actions after' },
            rules.latestReleaseBuildId
                && button('rollback', 'Roll back…', 'the desktop app'),
            button('rules', 'Edit the rules…', 'the desktop app'),
            may('admin')
                && button('version', 'Set a minimum…', 'the desktop app')));
}


// The share of each release, for each platform that has one: a release looks
// the same in all bars.

function bars(places, given) {
    const looks = new Map();

    for (const { release } of given) {
        if (!looks.has(release.id)) {
            looks.set(release.id, LOOKS[looks.size % LOOKS.length]);
        }
    }

    return element('div', { class: 'charts' }, places.map((whom) => {
        const parts = given.filter((one) => askedFor(one) === askedFor(whom))
            .sort((a, b) => b.share - a.share)
            .map(({ share: part, release }) => ({
                name: nameOf(release), share: part, look: looks.get(release.id),
            }));

        const left = 1 - parts.reduce((sum, one) => sum + one.share, 0);

        if (left > 1e-9) {
            parts.push({ name: 'no update', share: left, look: 'rest' });
        }

        return parts.length > 0 && bar(placeName(whom), parts);
    }));
}


// What holds a rollout up, and how it goes on.

function growth({ halted, paused, plan, expires }) {
    const lines = [];

    if (halted) {
        lines.push(['halted by ', foreign(halted.by), ', ', time(halted.at),
                    halted.reason ? [': ', foreign(halted.reason)] : '']);
    }

    if (paused) {
        lines.push(['paused by ', foreign(paused.by), ', ', time(paused.at)]);
    }

    if (plan) {
        lines.push(planLine(plan));
    }

    if (plan && plan.nextAt) {
        lines.push([percent(plan.nextShare), ' from ', time(plan.nextAt),
                    ' on']);
    }

    if (plan && plan.nextDevices) {
        lines.push(['waits until ', number(plan.nextDevices),
                    ' devices have run it']);
    }

    if (expires) {
        lines.push(['expires ', time(expires)]);
    }

    return lines.map((line) => element('small', {}, line));
}


function planLine({ steps, hours, weekdays, timeZone }) {
    const when = [hours, (weekdays || []).join(', '), timeZone]
        .filter(Boolean).join(', ');

    return ['plan: ', steps.map((one) => percent(one.share)).join(', '),
            when ? [', each from a time in ', foreign(when)] : ''];
}


// What holds up all plans of an app, now or later.

export function freezes({ freezes: list }) {
    const ahead = (list || []).filter((one) => new Date(one.to) > Date.now());

    return [
        ahead.length > 0 && element('ul', { class: 'freezes' },
            ahead.map((one) => element('li', {}, freezeLine(one)))),
        may('admin') && element('p', { class: 'actions after' },
            button('freezes', 'Edit the freezes…')),
    ];
}


function freezeLine({ from, to, reason }) {
    const when = new Date(from) <= Date.now()
        ? ['Now no step of a plan begins, until ', time(to)]
        : ['No step of a plan begins from ', time(from), ' to ', time(to)];

    return [when, reason ? [': ', foreign(reason)] : ''];
}


// What a share is of: the installations that ask for a manifest.

function askedFor(one) {
    return one.manifest || one.platform;
}


// Rules of other versions may have any name, or none.

function ruleName(rule) {
    const words = RULES[rule];

    return words ? [words, element('small', {}, code(rule))]
                 : rule ? code(rule) : none();
}


function audience(rule) {
    const whom = audienceOf(rule);
    const only = [...(rule.channels || []), ...(rule.archs || [])].join(', ');

    return only && whom ? [whom, element('small', {}, 'only ', foreign(only))]
                        : whom;
}


function audienceOf(rule) {
    const on = (rule.platforms || []).map((one) => PLATFORMS[one] || one)
        .join(', ');

    switch (rule.rule) {

    case 'buildByIp':
        return (rule.ipList || []).map((one) => element('div', {},
            foreign(one)));

    case 'buildByPlatform':
        return foreign(on);

    case 'buildByRollout':
        return [rule.plan
                    ? 'a share of the installations'
                    : [percent(rule.percentage / 100),
                       ' of the installations'],
                on ? [' on ', foreign(on)] : '', growth(rule)];

    case 'appByIp':
        return [(rule.ipList || []).map((one) => element('div', {},
                                                          foreign(one))),
                element('small', {}, 'ignored here: ToDesktop sends them to ',
                        foreign(rule.feedUrl || 'another server'))];

    case 'build':
        return 'everybody else';

    default:
        return element('span', { class: 'quiet' }, 'unknown rule');
    }
}


// -- adoption ----------------------------------------------------------------

export function adoption({ app, status }, byId) {
    const seen = status && (status.apps || [])
        .find((one) => one.app === app.id);

    if (!seen) {
        return null;
    }

    const rows = (seen.channels || []).flatMap((channel) =>
        (channel.releases || []).map((one) => ({
            key: `${channel.channel}/${one.release}`,
            cells: [
                one.release === ''
                    ? element('span', { class: 'quiet' }, 'no release')
                    : linkedId(app, byId, one.release),
                channel.channel === '' ? none() : foreign(channel.channel),
                of(one.devices, 'day'), of(one.devices, 'month'),
                of(one.running, 'day'), of(one.running, 'month'),
                reached(one),
            ],
        })));

    const desktop = (seen.desktop || []).map((one) => ({
        key: `desktop/${one.release}`,
        cells: [
            one.release === ''
                ? element('span', { class: 'quiet' }, 'unknown')
                : linkedId(app, byId, one.release),
            number(one.manifests), number(one.files), number(one.downloads),
        ],
    }));

    const right = (name) => ({ name, class: 'number' });

    return element('section', { 'data-key': 'adoption' },
        element('h2', {}, 'Adoption'),
        rows.length > 0 && [
            element('p', { class: 'quiet' },
                `Active devices: ${of(seen.devices, 'day')} in the last 24 `
                + `hours, ${of(seen.devices, 'month')} in 30 days. These are `
                + 'estimates, within about 2 %.'),
            table('Adoption by devices',
                ['Release', 'Channel', right('Offered, 24 h'),
                 right('Offered, 30 d'), right('Running, 24 h'),
                 right('Running, 30 d'), 'Adoption, 30 d'], rows),
        ],
        desktop.length > 0 && table('Requests of desktop apps',
            ['Release', right('Checks'), right('Files'), right('Downloads')],
            desktop));
}


function linkedId(app, byId, id) {
    return byId.has(id) ? linked(app, byId.get(id)) : code(id);
}


function of(counts, span) {
    return counts ? number(counts[span]) : '–';
}


function reached({ devices, running }) {
    return devices && running && devices.month > 0
           ? share(Math.min(1, running.month / devices.month)) : none();
}
