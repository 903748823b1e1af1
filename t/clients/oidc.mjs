// Copyright (C) the nginx-liveupdate authors

// People sign in: an OpenID provider, of oidc-provider, and a relying party of openid-client that answers auth_request as oauth2-proxy
// does: /oauth2/start, /oauth2/callback, /oauth2/sign_out, and /oauth2/auth
// with X-Auth-Request-User, -Email and -Groups.
//
//     node oidc.mjs PROVIDER-PORT PARTY-PORT ORIGIN PEOPLE
//
// ORIGIN is that of nginx, PEOPLE is JSON, { "ann": { "email", "groups" } };
// the provider asks for no password.

import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';

import * as client from 'openid-client';
import Provider from 'oidc-provider';

const [providerPort, partyPort, origin, json] = process.argv.slice(2);

const people = JSON.parse(json);
const issuer = `http://127.0.0.1:${providerPort}`;
const callback = `${origin}/oauth2/callback`;

const provider = new Provider(issuer, {
    clients: [{
        client_id: 'console',
        client_secret: 'secret',
        redirect_uris: [callback],
    }],

    claims: { openid: ['sub'], profile: ['email', 'groups'] },
    cookies: { keys: ['some key'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (ctx, { uid }) => `/sign-in/${uid}` },

    async findAccount(ctx, id) {
        return people[id] && {
            accountId: id,
            claims: () => ({ sub: id, ...people[id] }),
        };
    },

    // nobody is asked whether the console may know the name

    async loadExistingGrant(ctx) {
        const grant = new ctx.oidc.provider.Grant({
            clientId: ctx.oidc.client.clientId,
            accountId: ctx.oidc.session.accountId,
        });

        grant.addOIDCScope('openid profile');
        await grant.save();

        return grant;
    },
});

provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/sign-in/')) {
        await next();

    } else if (ctx.method === 'GET') {
        ctx.type = 'html';
        ctx.body = '<form method="post"><input name="login"></form>';

    } else {
        const form = new URLSearchParams(await text(ctx.req));

        ctx.respond = false;

        await provider.interactionFinished(ctx.req, ctx.res, {
            login: { accountId: form.get('login') },
        });
    }
});

await new Promise((done) => {
    provider.listen(providerPort, '127.0.0.1', done);
});

const config = await client.discovery(new URL(issuer), 'console', 'secret',
    undefined, { execute: [client.allowInsecureRequests] });

const sessions = new Map();
const begun = new Map();


const PATHS = {

    async '/oauth2/start'({ params }) {
        const verifier = client.randomPKCECodeVerifier();
        const state = client.randomState();

        begun.set(state, { verifier, to: params.get('rd') });

        const url = client.buildAuthorizationUrl(config, {
            redirect_uri: callback,
            scope: 'openid profile',
            prompt: 'login',
            code_challenge: await client.calculatePKCECodeChallenge(verifier),
            code_challenge_method: 'S256',
            state,
        });

        return [302, { Location: url.href }];
    },

    async '/oauth2/callback'({ url, params }) {
        const state = params.get('state');
        const { verifier, to } = begun.get(state);

        begun.delete(state);

        const tokens = await client.authorizationCodeGrant(config, url, {
            pkceCodeVerifier: verifier,
            expectedState: state,
        });
        const user = await client.fetchUserInfo(config, tokens.access_token,
                                                tokens.claims().sub);
        const session = randomUUID();

        sessions.set(session, user);

        return [302, {
            Location: to,
            'Set-Cookie': `_oauth2=${session}; Path=/; HttpOnly; SameSite=Lax`,
        }];
    },

    '/oauth2/auth'({ session }) {
        const user = sessions.get(session);

        return user ? [202, {
            'X-Auth-Request-User': user.sub,
            'X-Auth-Request-Email': user.email,
            'X-Auth-Request-Groups': user.groups.join(','),
        }] : [401, {}];
    },

    '/oauth2/sign_out'({ session }) {
        sessions.delete(session);

        return [200, {}];
    },
};


createServer(async (request, reply) => {
    const url = new URL(request.url, origin);
    const [, session] = /(?:^|; *)_oauth2=([^;]*)/
        .exec(request.headers.cookie || '') || [];

    try {
        const answer = PATHS[url.pathname];
        const [status, headers] = answer
            ? await answer({ url, params: url.searchParams, session })
            : [404, {}];

        reply.writeHead(status, headers).end();

    } catch (error) {
        console.error(error);
        reply.writeHead(500).end();
    }
}).listen(partyPort, '127.0.0.1', () => console.log('ready'));
