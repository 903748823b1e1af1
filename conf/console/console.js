// Copyright (C) the nginx-liveupdate authors

// Shows a page and keeps it up to date: its data is requested again and again,
// for as long as somebody looks at the page.

import {
    get, isSignedIn, isUser, signInToken, signInUser, signOut,
} from './api.js';
import { changePolicy, cleanUp, cleanupPage } from './cleanup.js';
import { clock, code, element, foreign, show } from './dom.js';
import * as dialogs from './dialogs.js';
import { appPage, appsPage, auditPage, releasePage } from './pages.js';
import { user } from './release.js';
import * as limits from './limits.js';
import { rules } from './rules.js';
import { ask, targetPage, targetsPage } from './targets.js';

const PAUSE = 3000;
const PAUSE_BUSY = 1000;
const PAUSE_LOST = 2000;

const main = document.getElementById('main');
const said = document.getElementById('said');
const connection = document.getElementById('connection');

let page = null;            // the page of the current route
let shown = null;           // what its show() returned
let answers = null;         // the data for that, as text
let asked = 0;              // counts pages and their requests
let timer = null;
let answered = null;        // when the server answered last
let waiting = null;         // how many releases waited then
let person = null;          // whom a proxy has signed in, by name


// -- pages -------------------------------------------------------------------

function route() {
    const [head, app, kind, id, ...rest] = location.hash.replace(/^#\/?/, '')
        .split('/').map(decode);

    if (head === 'apps' && app && rest.length === 0) {
        if (kind === undefined) {
            return appPage(app);
        }

        if (kind === 'audit' && id === undefined) {
            return auditPage(app);
        }

        if (kind === 'cleanup' && id === undefined) {
            return cleanupPage(app);
        }

        if (kind === 'releases' && id) {
            return releasePage(app, id);
        }
    }

    if (head === 'notifications' && kind === undefined) {
        return app ? targetPage(app) : targetsPage();
    }

    return appsPage();
}


function decode(text) {
    try {
        return decodeURIComponent(text);

    } catch (error) {
        return text;
    }
}


function turn() {

    // the form to sign in stays as it is, with why it is shown; who signs in
    // gets the page

    if (!isSignedIn()) {
        return;
    }

    dialogs.closeDialog();

    page = route();
    shown = answers = waiting = null;

    crumbs();
    show(main, element('p', { 'data-key': 'loading' }, 'Loading…'));
    window.scrollTo(0, 0);

    refresh();
}


// Requests the data and shows what has changed.

async function refresh() {
    const round = ++asked;

    clearTimeout(timer);

    let data, pause;

    try {
        data = await page.load();

    } catch (failure) {
        if (round === asked) {
            failed(failure);
        }

        return;
    }

    if (round !== asked) {
        return;
    }

    found();

    const text = JSON.stringify(data);

    if (text !== answers) {
        answers = text;
        render(data);
    }

    pause = shown.busy ? PAUSE_BUSY : page.pause || PAUSE;
    timer = setTimeout(again, pause);
}


function again() {
    if (!document.hidden) {
        refresh();
    }
}


function render(data) {
    const first = shown === null;

    shown = page.show(data);

    show(main, shown.nodes);
    crumbs();
    titled();

    if (first) {
        head();

    } else if (document.activeElement === document.body) {

        // the element that had the focus was removed

        head();
    }

    if (waiting !== null && shown.waiting > waiting) {
        say('Another release is waiting for approval.');
    }

    waiting = shown.waiting === undefined ? null : shown.waiting;
}


function head() {
    const h1 = main.querySelector('h1');

    if (h1 && !dialogs.dialogOpen()) {
        h1.focus({ preventScroll: true });
    }
}


function titled() {
    const n = shown && shown.waiting ? `(${shown.waiting}) ` : '';
    const name = shown ? `${shown.title} · ` : '';

    document.title = `${n}${name}Release console`;
}


function crumbs() {
    const path = page ? page.path : [];
    const last = path.length - 1;

    show(document.getElementById('path'), path.map((one, i) => {
        const text = i === last ? shown && shown.crumb || one.text
                   : i === 1 ? shown && shown.parent || one.text
                   : one.text;

        return element('li', {}, i === last
            ? element('span', { 'aria-current': 'page' }, foreign(text))
            : element('a', { href: one.href }, foreign(text)));
    }));
}


// -- failures ----------------------------------------------------------------

function failed(failure) {
    if (failure.status === 401) {
        signIn(failure.message);
        return;
    }

    if (failure.status === 0) {
        lost(failure);
        return;
    }

    found();

    if (failure.status === undefined) {
        throw failure;
    }

    answers = null;
    shown = { title: 'Not found', nodes: [] };

    show(main,
        element('h1', { tabindex: '-1' }, 'This page cannot be shown'),
        element('p', { class: 'wrong' }, foreign(failure.message)),
        element('p', {}, element('a', { href: '#/' }, 'All applications')));
    titled();

    timer = setTimeout(again, PAUSE);
}


// The page stays as it is, with a note that it is old.

function lost(failure) {
    const old = answered ? ` This page is from ${clock(answered)}.` : '';
    const wrong = dialogs.dialogOpen()?.querySelector('.wrong');

    connection.hidden = false;
    show(connection, `${failure.message} Trying again…${old}`);

    // screen readers do not read what is behind a dialog

    if (wrong && wrong.textContent === '') {
        show(wrong, failure.message);
    }

    timer = setTimeout(again, PAUSE_LOST);
}


function found() {
    answered = new Date();

    if (!connection.hidden) {
        connection.hidden = true;
        show(connection);
        say('The server is answering again.');
    }
}


function say(...text) {
    show(said, text);
    clearTimeout(say.timer);
    say.timer = setTimeout(() => show(said), 8000);
}


// -- who it is ---------------------------------------------------------------

// Whom a proxy has signed in needs no token.

async function enter() {
    signOut();
    signInUser();

    show(main, element('p', {}, 'Loading…'));

    let me;

    try {
        me = await get('/v1/users/me');

    } catch (failure) {
        if (failure.status === undefined) {
            throw failure;
        }

        person = null;
        signIn(failure.status === 400 || failure.status === 403
               ? failure.message : undefined);
        return;
    }

    person = me.name;

    known(me, 'Signed in as', 'token', 'Use a token');
    turn();
}


// Somebody else may have signed in meanwhile, in another tab.

async function recognize() {
    const me = isUser() ? await get('/v1/users/me').catch(() => null) : null;

    if (me && isUser() && me.name !== user.name) {
        enter();
    }
}


function known(me, how, action, text) {
    const leave = document.getElementById('leave');

    user.name = me.name;
    user.roles = me.roles;

    leave.dataset.action = action;

    show(leave, text);
    show(document.getElementById('how'), how);
    show(document.getElementById('name'), user.name);
    show(document.getElementById('roles'), `(${user.roles.join(', ')})`);

    document.getElementById('who').hidden = false;
}


function signIn(reason) {
    asked++;
    clearTimeout(timer);
    signOut();

    page = shown = answers = waiting = answered = null;
    user.name = '';
    user.roles = [];

    dialogs.closeDialog();
    connection.hidden = true;
    document.getElementById('who').hidden = true;
    crumbs();
    titled();

    // nothing that the token gave access to stays on the page

    main.replaceChildren();

    show(main, element('section', { class: 'sign-in' },
        element('h1', { tabindex: '-1' }, 'Sign in'),
        element('form', { id: 'sign-in', autocomplete: 'off' },
            element('div', { class: 'field' },
                element('label', { for: 'token' }, 'Token'),
                element('input', {
                    id: 'token', class: 'secret', type: 'text',
                    required: true, autocomplete: 'off',
                    autocapitalize: 'off', spellcheck: 'false',
                    'aria-describedby': 'token-hint',
                }),
                element('p', { class: 'hint', id: 'token-hint' },
                    'A token of the server\'s token file, with the role '
                    + '"approve" to decide about releases, or "read" to view '
                    + 'them. It stays in the memory of this page, is never '
                    + 'stored, and is forgotten when you close or reload the '
                    + 'page.')),
            element('p', { class: 'wrong', role: 'alert' }),
            element('p', { class: 'actions' },
                element('button', { type: 'submit', class: 'strong' },
                        'Sign in'),
                stay()))));

    if (reason) {
        show(main.querySelector('.wrong'), foreign(reason));
    }

    main.querySelector('#token').focus();
}


// As whom a proxy knows, if it still does: with a new page, it asks.

function stay() {
    if (person === null) {
        return [];
    }

    return [
        element('button', { type: 'button', 'data-action': 'enter' },
                'Go on as ', foreign(person)),
        element('button', { type: 'button', 'data-action': 'reload' },
                'Sign in again'),
    ];
}


async function signedIn(form) {
    const input = form.querySelector('#token');
    const wrong = form.querySelector('.wrong');
    const value = input.value.trim();

    show(wrong);

    // a header cannot carry other characters

    if (!/^[\x21-\x7e]+$/.test(value)) {
        show(wrong, 'This is not a token: it has a space, or a character '
                    + 'outside ASCII.');
        return;
    }

    signInToken(value);

    let me;

    try {
        me = await get('/v1/users/me');

    } catch (failure) {
        signOut();
        show(wrong, foreign(failure.message));
        input.focus();
        input.select();
        return;
    }

    input.value = '';

    known(me, 'Token of', 'forget', 'Sign out');
    turn();
}


// -- actions -----------------------------------------------------------------

const BUTTONS = {
    approve: (data) => dialogs.approve(shown, of(data)),
    reject: (data) => dialogs.reject(shown, of(data)),
    rollout: (data) => dialogs.rollout(shown, of(data)),
    growth: (data) => dialogs.growth(shown, of(data)),
    withdraw: (data) => dialogs.withdraw(shown, of(data)),
    remove: (data) => dialogs.remove(shown, of(data)),
    rollback: (data) => dialogs.rollback(shown, data.channel),
    rules: () => rules(shown),
    freezes: () => limits.freezes(shown),
    minimum: (data) => limits.minimum(shown, data.channel),
    version: () => limits.minimumVersion(shown),
    link: (data) => dialogs.link(shown, of(data)),
    retry: (data) => dialogs.retry(shown, of(data)),

    cleanup: () => cleanUp(shown),
    policy: () => changePolicy(shown),

    test: () => ask(shown, 'test'),
    pause: () => ask(shown, 'pause'),
    resume: () => ask(shown, 'resume'),
    again: ({ id }) => ask(shown, 'again', { id }),

    copy: ({ text }) => copy(text),

    more() {
        page.more();
        answers = null;

        return null;
    },

    forget() {
        signIn();
        say('Signed out.');

        return person === null ? null : enter();
    },

    token: () => signIn(),
    enter: () => enter(),
    reload: () => location.reload(),
};


// The clipboard is for pages that came by https; else what is marked is copied.

async function copy(text) {
    try {
        await navigator.clipboard.writeText(text);

    } catch (error) {
        const input = element('textarea', { class: 'spoken' }, text);
        const holder = dialogs.dialogOpen() || document.body;
        const before = document.activeElement;

        holder.append(input);
        input.select();

        const done = document.execCommand('copy');

        input.remove();
        before.focus();

        if (!done) {
            return 'The browser does not let the page copy.';
        }
    }

    return ['Copied: ', code(text)];
}


function of({ release }) {
    return shown.releases.get(release);
}


async function pressed(button) {
    const { action } = button.dataset;

    let done;

    try {
        done = await BUTTONS[action](button.dataset);

    } catch (failure) {
        if (failure.status === 401) {
            signIn(failure.message);

        } else if (failure.status === undefined) {
            throw failure;

        } else {
            say(foreign(failure.message));
        }

        return;
    }

    if (done) {
        say(done);
    }

    if (page) {
        refresh();
    }
}


document.addEventListener('click', (event) => {
    const button = event.target.closest('[data-action]');

    if (button) {
        pressed(button);
        return;
    }

    if (event.target.closest('.skip')) {
        event.preventDefault();
        main.focus();
    }
});

document.addEventListener('submit', (event) => {
    if (event.target.id === 'sign-in') {
        event.preventDefault();
        signedIn(event.target);
    }
});

document.addEventListener('visibilitychange', () => {
    if (!document.hidden && page) {
        recognize();
        refresh();
    }
});

window.addEventListener('hashchange', turn);

enter();
