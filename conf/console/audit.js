// Copyright (C) the nginx-liveupdate authors

// The audit log as a timeline: what was done, in words.

import { GOES } from './cleanup.js';
import { code, element, foreign, number, percent, time } from './dom.js';
import { PLATFORMS, nameOf, releasePath } from './release.js';

// What a sentence says: each gets the entry and the words for its parts.

const SENTENCES = {
    'app.create': () => 'created the application',
    'app.update': () => 'changed the settings of the application',
    'app.delete': () => 'deleted the application',
    'app.cleanup': ({ to }) => (to
        ? ['set the policy for cleaning up to ', code(to)]
        : 'changed the policy for cleaning up or the quota'),

    'bundle.create': (line, { subject }) => ['started to upload ', subject],
    'bundle.ready': (line, { subject, whom }) => (line.channel
        ? ['uploaded and released ', subject, whom]
        : ['uploaded ', subject]),
    'bundle.delete': (line, { subject }) => ['deleted ', subject],
    'build.update': (line, { subject }) =>
        ['changed the description of ', subject],

    'channel.create': (line, { channel }) => ['created ', channel],
    'channel.update': (line, { channel }) =>
        ['changed the settings of ', channel],
    'channel.pause': (line, { channel }) => ['paused ', channel],
    'channel.resume': (line, { channel }) => ['resumed ', channel],
    'channel.delete': ({ to }, { channel }) =>
        ['deleted ', channel, to === 'expired' ? ', which had expired' : ''],

    'deployment.create': (line, { to, whom }) => ['released ', to, whom],
    'deployment.rollout': rollout,
    'release.rollout': rollout,

    'release.promote': (line, { subject, whom }) =>
        ['approved ', subject, whom],
    'release.reject': ({ to }, { subject }) =>
        ['rejected ', subject, because(to)],
    'release.withdraw': (line, { subject, on }) =>
        ['withdrew ', subject, on],
    'release.rollback': ({ from, channel }, words) =>
        ['rolled ', channel ? words.channel : 'the application', ' back',
         from ? [' from ', words.from] : '', ' to ', words.to, words.on],
    'release.link': ({ to }, { subject }) =>
        ['made links to ', subject, ' for testers, good until ', time(to)],
    'release.delete': (line, { subject }) => ['deleted ', subject],
    'release.cleanup': ({ to }, { subject }) =>
        ['cleaned up ', subject, because(GOES[to] || to)],

    'rules.update': () => 'changed the rules of the desktop app',

    'device.force': ({ to, subject }) =>
        ['sent devices to channel ', foreign(to), ': ', foreign(subject)],
    'device.unforce': ({ subject }) =>
        ['let devices choose their channel again: ', foreign(subject)],
    'device.delete': ({ subject }) => ['deleted device ', foreign(subject)],
};

// The rollout of a deployment, or of a desktop release.

const ROLLOUTS = {
    halt: ({ to }, { rollout: what }) => ['halted ', what, because(to)],
    resume: (line, { rollout: what }) => ['resumed ', what],
    pause: ({ to }, { rollout: what }) =>
        ['paused the plan of ', what, because(to)],
    advance: ({ from, to }, { rollout: what }) =>
        ['advanced the plan of ', what, fromTo(from, to)],
    stop: ({ to }, { rollout: what }) =>
        ['stopped the plan of ', what,
         shareOf(to) ? [', which stays at ', shareOf(to)] : ''],
    warn: ({ to }, { rollout: what }) => ['warned of ', what, because(to)],
    enough: ({ to }, { rollout: what }) =>
        ['counted ', to, ' in ', what, ': its plan may go on'],
};


function rollout({ from, to }, { rollout: what }) {
    switch (to) {

    case 'plan':
        return ['gave ', what, ' a plan'];

    case 'expires':
        return ['changed when ', what, ' expires'];

    default:
        return ['changed ', what, fromTo(from, to)];
    }
}


// Entries that are newer than this console are told as they are.

function sentence(line, words) {
    const [kind, verb] = String(line.change).split('.');
    const known = SENTENCES[line.change]
        || (['deployment', 'release'].includes(kind) && ROLLOUTS[verb]);

    return known ? known(line, words)
                 : ['made the change ', code(line.change), ' of ',
                    words.subject];
}


function because(reason) {
    // the sentence has a full stop of its own

    return reason ? [': ', foreign(reason.replace(/\.$/, ''))] : '';
}


function shareOf(text) {
    return /^[\d.]+$/.test(text) ? percent(Number(text)) : '';
}


function fromTo(from, to) {
    return [shareOf(from) ? ` from ${shareOf(from)}` : '',
            shareOf(to) ? ` to ${shareOf(to)}` : ''];
}


// The parts of an entry, in words.

function wordsOf(app, line, names) {
    const release = (id) => (id === undefined ? 'nothing'
        : names.has(id)
            ? element('a', { href: releasePath(app.id, id) },
                      foreign(names.get(id)))
            : code(id));

    // an entry has no name of its channel if an older server wrote it

    const channel = line.channel ? ['channel ', foreign(line.channel)]
                                 : ['channel ', code(line.subject)];

    const platforms = (line.platforms || '').split(' ')
        .filter((one) => one !== '').map((one) => PLATFORMS[one] || one);

    const on = platforms.length
        ? ` for ${platforms.join(platforms.length > 2 ? ', ' : ' and ')}` : '';

    const share = line.to === 'plan' ? ''
        : shareOf(line.share) || shareOf(line.to);

    return {
        channel,
        on,
        subject: release(line.subject),
        from: release(line.from),
        to: release(line.to),
        rollout: ['the rollout of ', release(line.release || line.subject),
                  line.channel ? [' in ', channel] : ''],
        whom: [line.channel ? [' in ', channel] : '', on,
               share ? `, to ${share} of the ${on ? 'installations'
                                                  : 'devices'}` : '',
               line.to === 'plan' ? ', by a plan' : '',
               line.start ? [', from ', time(line.start), ' on'] : ''],
    };
}


// Names of releases, for those that there still are.

export function namesOf(releases) {
    return new Map(releases.map((one) => [one.id, nameOf(one)]));
}


export function timeline(app, lines, names) {
    return element('ol', { class: 'timeline' }, lines.map((line, i) =>
        element('li', { 'data-key': `${line.generation}/${line.at}/${i}` },
            element('div', {}, element('b', {}, foreign(line.by)), ' ',
                    sentence(line, wordsOf(app, line, names)), '.'),
            element('small', {}, time(line.at), ' · ', code(line.change),
                    ' · generation ', number(line.generation)))));
}
