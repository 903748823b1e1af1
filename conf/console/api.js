// Copyright (C) the nginx-liveupdate authors

// Calls of the API.  The token is kept here, in the memory of this page, and
// nowhere else: not in a storage, a cookie, or an address.  It is gone when the
// page is closed.  Whom a proxy has signed in needs none.

const TIMEOUT = 15000;

// Items of a page.

const PAGE = 500;

let signed = null;          // headers that say who it is; null: nobody


// Why a call failed, for a person.  status is 0 if the API did not answer: no
// connection, a timeout, or an error page of another server.

export class Failure extends Error {
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}


export function signInToken(token) {
    signed = { Authorization: `Bearer ${token}` };
}


// The browser, or a proxy, adds to each request what shows who the user is.

export function signInUser() {
    signed = {};
}


export function signOut() {
    signed = null;
}


export function isSignedIn() {
    return signed !== null;
}


export function isUser() {
    return signed !== null && signed.Authorization === undefined;
}


// A segment of a path.

export function part(text) {
    return encodeURIComponent(text);
}


export function get(path) {
    return call('GET', path);
}


// All items of a list of apps or releases, page by page.  An item that moves to
// the next page meanwhile is there once.  Also a short or an empty page may not
// be the last one: the server says where to go on.

export async function getAll(path) {
    const all = new Map();
    const first = `${path}${path.includes('?') ? '&' : '?'}limit=${PAGE}`;

    for (let from = first; ; ) {
        const { json, next } = await send('GET', from);

        for (const item of json) {
            all.set(item.id, item);
        }

        if (next === null) {
            return [...all.values()];
        }

        from = `${first}&after=${part(next)}`;
    }
}


export function post(path, body) {
    return call('POST', path, body);
}


export function put(path, body) {
    return call('PUT', path, body);
}


export function patch(path, body) {
    return call('PATCH', path, body);
}


export function erase(path) {
    return call('DELETE', path);
}


// As get(), but null if one may not see it, or it does not exist.

export async function getIfAny(path) {
    return ifAny(get(path));
}


export async function getAllIfAny(path) {
    return ifAny(getAll(path));
}


async function ifAny(reply) {
    try {
        return await reply;

    } catch (failure) {
        if (failure.status === 403 || failure.status === 404) {
            return null;
        }

        throw failure;
    }
}


async function call(method, path, body) {
    return (await send(method, path, body)).json;
}


async function send(method, path, body) {
    const used = signed;

    // no page of another site can send a header of this name

    const headers = { ...used, 'X-Requested-With': 'console' };

    if (body !== undefined) {
        headers['Content-Type'] = 'application/json';
        body = JSON.stringify(body);
    }

    let reply, text;

    try {
        reply = await fetch(path, {
            method,
            headers,
            body,
            cache: 'no-store',
            redirect: 'manual',
            referrerPolicy: 'no-referrer',
            signal: AbortSignal.timeout(TIMEOUT),
        });

        text = await reply.text();

    } catch (error) {
        throw new Failure(0, 'The server does not answer.');
    }

    // somebody else has signed in meanwhile

    if (signed !== used) {
        throw new Failure(401, 'Signed out.');
    }

    // a proxy sends those whom it does not know to where they sign in

    if (reply.type === 'opaqueredirect') {
        throw used.Authorization
            ? new Failure(0, 'The server answers with a redirect.')
            : new Failure(401, 'Your session has ended.');
    }

    let json = null;

    try {
        json = text === '' ? null : JSON.parse(text);

    } catch (error) {
        json = undefined;
    }

    if (reply.ok && json !== undefined) {
        return { json, next: reply.headers.get('Liveupdate-Next') };
    }

    if (json && typeof json.message === 'string') {
        throw new Failure(reply.status, json.message);
    }

    if (reply.status === 401) {
        throw new Failure(401, 'Your session has ended.');
    }

    if (reply.status === 403 || reply.status === 404) {
        throw new Failure(reply.status, `The server answered ${reply.status}.`);
    }

    throw new Failure(0, `The server answered ${reply.status}, with a body `
                         + 'that is not JSON.');
}
