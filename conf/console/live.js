// Copyright (C) the nginx-liveupdate authors

// What is live: in which channel, by which rule, for which share of the
// clients; and which releases the devices run.

import {
    button, code, element, foreign, none, number, percent, share, table, time,
} from './dom.js';
import { PLATFORMS, by, linked, may, place } from './release.js';


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
        const back = channel.totalAppDeployments > 1 && may('approve')
            ? button('rollback', 'Roll back…', channel.name,
                     { 'data-channel': channel.id })
            : none();

        const lines = given.map((one, i) => ({
            key: `${channel.id}/${one.release.id}`,
            cells: [
                i === 0 ? first : [foreign(channel.name)],
                linked(app, byId.get(one.release.id)),
                [share(one.share), growth(one)],
                by(one.createdBy, one.createdAt),
                i === 0 ? back : none(),
            ],
        }));

        if (left > 1e-9) {
            lines.push({ key: `${channel.id}/`, cells: [
                given.length ? [foreign(channel.name)] : first,
                noUpdate(), rest(left), none(), given.length ? none() : back,
            ] });
        }

        return lines;
    });

    return element('section', { 'data-key': 'channels' },
        element('h2', {}, 'Channels: who gets what'),
        channels.length === 0
            ? element('p', { class: 'quiet' }, 'There are no channels.')
            : table('Channels', ['Channel', 'Release', 'Share of devices',
                                 { name: 'Deployed', class: 'minor' },
                                 'Actions'], rows));
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

    if (channel.pausedAt) {
        words.push('paused: nobody gets an update');
    }

    if (channel.expiresAt) {
        words.push(new Date(channel.expiresAt) <= Date.now()
                   ? 'expired: nobody gets an update' : 'expires');
    }

    return words.length ? element('small', {}, words.join(', ')) : null;
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

    const rows = [...asked.values()].sort((a, b) =>
        order.indexOf(a.platform) - order.indexOf(b.platform)
        || askedFor(a).localeCompare(askedFor(b))).flatMap((whom) => {
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
                   'everybody to whom no rule above applies']);
    }

    return element('section', { 'data-key': 'desktop' },
        element('h2', {}, 'Desktop: who gets what'),
        table('Platforms', ['Platform', 'Release', 'Share of installations'],
              rows),
        element('h3', {}, 'Rules'),
        list.length === 0
            ? element('p', { class: 'quiet' }, 'There are no rules.')
            : table('Rules', ['Rule', 'Release', 'For'],
                list.map(([rule, id, whom], i) => ({ key: `rule-${i}`, cells: [
                    rule ? code(rule) : none(),
                    byId.has(id) ? linked(app, byId.get(id))
                                 : id ? code(id) : none(),
                    whom,
                ] }))),
        may('approve') && element('p', { class: 'actions after' },
            rules.latestReleaseBuildId
                && button('rollback', 'Roll back…', 'the desktop app'),
            button('rules', 'Edit the rules…', 'the desktop app')));
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

    if (plan && plan.nextAt) {
        lines.push([percent(plan.nextShare), ' from ', time(plan.nextAt),
                    ' on']);
    }

    if (expires) {
        lines.push(['expires ', time(expires)]);
    }

    return lines.map((line) => element('small', {}, line));
}


// What a share is of: the installations that ask for a manifest.

function askedFor(one) {
    return one.manifest || one.platform;
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
        return foreign((rule.ipList || []).join(', '));

    case 'buildByPlatform':
        return foreign(on);

    case 'buildByRollout':
        return [rule.plan
                    ? ['a share of the installations, by a plan: ',
                       rule.plan.steps.map((one) => percent(one.share))
                           .join(', ')]
                    : [percent(rule.percentage / 100),
                       ' of the installations'],
                on ? [' on ', foreign(on)] : '', growth(rule)];

    case 'appByIp':
        return [foreign((rule.ipList || []).join(', ')),
                element('small', {}, 'ignored here: ToDesktop sends them to ',
                        foreign(rule.feedUrl || 'another server'))];

    case 'build':
        return 'everybody to whom no rule above applies';

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
                 right('30 days'), right('Running, 24 h'),
                 right('30 days'), 'Adoption'], rows),
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
