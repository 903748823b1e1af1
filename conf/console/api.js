// Copyright (C) the nginx-liveupdate authors

// Calls of the API.  The token is kept here, in the memory of this page, and
// nowhere else: no storage, no cookie, no address has it, and it is gone when
// the page is.

const TIMEOUT = 15000;

let token = null;


// Why a call failed, for a person.  status is 0 if there was no answer of the
// API: no connection, no time, or somebody else's error page.

export class Failure extends Error {
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}


export function setToken(value) {
    token = value;
}


export function hasToken() {
    return token !== null;
}


// A part of a path.

export function part(text) {
    return encodeURIComponent(text);
}


export function get(path) {
    return call('GET', path);
}


export function post(path, body) {
    return call('POST', path, body);
}


export function erase(path) {
    return call('DELETE', path);
}


// The same, but null where there is nothing that this token may see.

export async function getIfAny(path) {
    try {
        return await get(path);

    } catch (failure) {
        if (failure.status === 403 || failure.status === 404) {
            return null;
        }

        throw failure;
    }
}


async function call(method, path, body) {
    const used = token;
    const headers = { Authorization: `Bearer ${used}` };

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
            redirect: 'error',
            referrerPolicy: 'no-referrer',
            signal: AbortSignal.timeout(TIMEOUT),
        });

        text = await reply.text();

    } catch (error) {
        throw new Failure(0, 'The server does not answer.');
    }

    // the page was left to somebody else meanwhile

    if (token !== used) {
        throw new Failure(401, 'Signed out.');
    }

    let json = null;

    try {
        json = text === '' ? null : JSON.parse(text);

    } catch (error) {
        json = undefined;
    }

    if (reply.ok && json !== undefined) {
        return json;
    }

    if (json && typeof json.message === 'string') {
        throw new Failure(reply.status, json.message);
    }

    if (reply.status === 403 || reply.status === 404) {
        throw new Failure(reply.status, `The server answers ${reply.status}.`);
    }

    throw new Failure(0, `The server answers ${reply.status}, and nothing `
                         + 'that can be read.');
}
