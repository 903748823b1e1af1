// Copyright (C) the nginx-liveupdate authors

// Compares requests, answers and webhooks with GitHub's own description of
// them.  Each line of the input is one of
//
//     { method, uri, body, status, json, scripted }
//     { event, payload }
//
// and is answered with a line: a list of what is wrong.  What the description
// does not know is wrong, too.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

import Ajv from 'ajv';
import addFormats from 'ajv-formats';

const require = createRequire(import.meta.url);
const file = require.resolve('@octokit/openapi')
    .replace(/[^/]*$/, 'generated/api.github.com.json');
const api = JSON.parse(readFileSync(file));

const ajv = new Ajv({ strict: false, allErrors: true, logger: false });

addFormats(ajv);
ajv.addFormat('repo.nwo', /^[^/]+\/[^/]+$/);


// -- schemas ----------------------------------------------------------------

// OpenAPI 3.0 is not quite JSON Schema: "nullable" counts without a type and
// beside "enum", too.  Where one of several is meant, some answers are two.

function translated(schema, used) {
    if (Array.isArray(schema)) {
        return schema.map(item => translated(item, used));
    }

    if (schema === null || typeof schema !== 'object') {
        return schema;
    }

    if (typeof schema.$ref === 'string') {
        const name = schema.$ref.replace(/^#\/components\/schemas\//, '');

        used.add(name);
        return { $ref: `#/definitions/${name}` };
    }

    const { nullable, example, examples, discriminator, ...rest } = schema;
    const result = {};

    for (const [name, value] of Object.entries(rest)) {
        const key = name === 'oneOf' ? 'anyOf' : name;

        result[key] = key === 'enum' || key === 'default'
            ? value : translated(value, used);
    }

    return nullable ? { anyOf: [{ type: 'null' }, result] } : result;
}


const compiled = new Map();

function validator(schema) {
    const key = JSON.stringify(schema);

    if (!compiled.has(key)) {
        const used = new Set();
        const definitions = {};
        const root = translated(schema, used);

        for (const name of used) {
            definitions[name] = translated(api.components.schemas[name], used);
        }

        compiled.set(key, ajv.compile({ definitions, allOf: [root] }));
    }

    return compiled.get(key);
}


function wrong(where, schema, value) {
    const validate = validator(schema);

    if (validate(value)) {
        return [];
    }

    return validate.errors.slice(0, 5).map(error =>
        `${where}${error.instancePath} ${error.message}`);
}


function resolved(object) {
    if (!object?.$ref) {
        return object;
    }

    return object.$ref.slice(2).split('/').reduce((o, name) => o[name], api);
}


// -- requests ---------------------------------------------------------------

const GREEDY = new Set(['path', 'ref', 'branch']);

const paths = Object.entries(api.paths).map(([path, item]) => ({
    path,
    item,
    names: [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]),
    regex: new RegExp('^' + path.split(/\{\w+\}/)
        .map(part => part.replace(/[.*+?^$()[\]|\\]/g, '\\$&'))
        .reduce((text, part, i) => text
            + (GREEDY.has([...path.matchAll(/\{(\w+)\}/g)][i - 1]?.[1])
                ? '(.+)' : '([^/]+)')
            + part) + '$'),
}));


function operationOf(method, path) {
    const verb = method.toLowerCase();

    // the one with the fewest variables is meant
    return paths
        .filter(({ item, regex }) => item[verb] && regex.test(path))
        .sort((a, b) => a.names.length - b.names.length)
        .map(({ item, path }) => ({ ...item[verb], template: path }))[0];
}


function checkQuery(operation, query) {
    const known = new Map((operation.parameters ?? []).map(resolved)
        .filter(parameter => parameter.in === 'query')
        .map(parameter => [parameter.name, parameter]));
    const found = [];

    for (const [name, value] of new URLSearchParams(query)) {
        const parameter = known.get(name);

        if (!parameter) {
            found.push(`the query has "${name}"`);
            continue;
        }

        const number = parameter.schema?.type === 'integer';

        found.push(...wrong(`query ${name}`, parameter.schema ?? {},
            number ? Number(value) : value));
    }

    for (const [name, parameter] of known) {
        if (parameter.required && !new URLSearchParams(query).has(name)) {
            found.push(`the query has no "${name}"`);
        }
    }

    return found;
}


function checkBody(operation, text) {
    const schema = operation.requestBody?.content['application/json']?.schema;

    if (!schema) {
        return text ? ['there is a body'] : [];
    }

    let body;

    try {
        body = JSON.parse(text);
    } catch {
        return ['the body is no JSON'];
    }

    return [
        ...wrong('body', schema, body),
        ...Object.keys(body)
            .filter(name => schema.properties && !schema.properties[name])
            .map(name => `the body has "${name}"`),
    ];
}


// Who asks wrongly gets answers that are not described for each operation.

const ANYWHERE = new Set([400, 401, 403, 404, 409, 415, 422, 429]);

function checkAnswer(operation, status, json) {
    const response = resolved(operation.responses[status]);
    const schema = response?.content?.['application/json']?.schema;

    if (schema) {
        return wrong(`answer ${status}`, schema, json);
    }

    if (status < 400) {
        return !response ? [`status ${status} is not described`]
            : json ? [`status ${status} has an answer`] : [];
    }

    return response || ANYWHERE.has(status)
        ? wrong(`answer ${status}`,
            { $ref: '#/components/schemas/basic-error' }, json)
        : [`status ${status} is not described`];
}


function checkRequest({ method, uri, body, status, json, scripted }) {
    const [path, query] = uri.split('?');
    const operation = operationOf(method, path);

    if (!operation) {
        return [`${method} ${path} is not described`];
    }

    return [
        ...checkQuery(operation, query ?? ''),
        ...checkBody(operation, body),
        ...(status && !scripted ? checkAnswer(operation, status, json) : []),
    ].map(what => `${method} ${operation.template}: ${what}`);
}


// -- webhooks ---------------------------------------------------------------

function checkEvent({ event, payload }) {
    const name = [event, payload.action].filter(Boolean).join('-')
        .replaceAll('_', '-');
    const hook = api['x-webhooks'][name]?.post;

    if (!hook) {
        return [`${name} is not described`];
    }

    const schema = hook.requestBody.content['application/json'].schema;

    return wrong(name, schema, payload);
}


for await (const line of createInterface({ input: process.stdin })) {
    const entry = JSON.parse(line);

    console.log(JSON.stringify(entry.event ? checkEvent(entry)
        : checkRequest(entry)));
}
