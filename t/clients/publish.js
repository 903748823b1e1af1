// Copyright (C) the nginx-liveupdate authors

// What electron-builder does with "publish: { provider: s3, ... }" when it has
// built: its own publishers, unmodified, upload a folder "dist".
//
//     node publish.js < jobs.json
//
// Each job is {builder, dir, endpoint, bucket, path, faults}: the major version
// of electron-builder, and the options of the publisher.  Files are uploaded at
// once, and then the manifests, as by electron-builder's PublishManager.  The
// jobs run at the same time.  The answers say why a job has failed, and what
// was asked.
//
// With faults, the requests go through a proxy that spoils the first ones:
// "cut" ends the connection in the middle of the body, "lost" when the answer
// has come and no other request is under way (an uploader that fails ends them,
// too), "503" answers by itself, "" does nothing.

'use strict';

const fs = require('fs');
const http = require('http');
const path = require('path');

const { CancellationToken } = require('builder-util-runtime');


async function main() {
    const jobs = JSON.parse(fs.readFileSync(0, 'utf8'));
    const answers = await Promise.all(jobs.map(run));

    // the publishers log above it, and what they have run, below it

    process.stdout.write(`\n${JSON.stringify(answers)}\n`,
        () => process.exit(0));
}


async function run(job) {
    const answer = { error: null, asked: [] };

    const endpoint = job.faults ? await proxy(job, answer.asked)
                                : job.endpoint;

    const publisher = create(job.builder, { ...job, endpoint });
    const upload = name => publisher.upload({ file: path.join(job.dir, name) });

    const names = fs.readdirSync(job.dir);
    const isManifest = name => name.endsWith('.yml');

    try {
        await Promise.all(names.filter(n => !isManifest(n)).map(upload));
        await Promise.all(names.filter(isManifest).map(upload));

    } catch (error) {
        answer.error = String(error.message);
    }

    return answer;
}


function create(builder, { bucket, endpoint, path }) {
    const context = { cancellationToken: new CancellationToken(),
                      progress: null };
    const options = { provider: 's3', bucket, endpoint, path };

    if (builder === 26) {
        const { S3Publisher } = require('electron-publish-26');

        return new S3Publisher(context, options);
    }

    return goPublisher(builder, context, options);
}


// Before version 26.9 a program uploads, which the class S3Publisher of
// app-builder-lib calls in this way.

function goPublisher(builder, context, options) {
    const name = `electron-publish-${builder}`;
    const folder = path.dirname(require.resolve(`${name}/package.json`));

    const { Publisher } = require(name);
    const { executeAppBuilder } =
        require(require.resolve('builder-util', { paths: [folder] }));

    class S3Publisher extends Publisher {
        get providerName() {
            return 's3';
        }

        upload(task) {
            const key = `${options.path}/${path.basename(task.file)}`;

            return executeAppBuilder([
                'publish-s3', '--bucket', options.bucket, '--key', key,
                '--file', task.file, '--acl', 'public-read',
                '--endpoint', options.endpoint
            ]);
        }
    }

    return new S3Publisher(context);
}


function proxy(job, asked) {
    const target = new URL(job.endpoint);
    const last = [];
    let active = 0;

    const ended = () => {
        if (active === last.length) {
            last.splice(0).forEach(destroy => destroy());
        }
    };

    const server = http.createServer((request, response) => {
        const fault = job.faults.shift() || '';

        asked.push(`${request.method} ${request.url}`);

        active++;

        response.on('close', () => {
            active--;
            ended();
        });

        if (fault === '503') {
            request.resume().on('end', () => response.writeHead(503).end());
            return;
        }

        const sent = http.request({
            host: target.hostname,
            port: target.port,
            method: request.method,
            path: request.url,
            headers: request.rawHeaders,
            setHost: false
        });

        const destroy = () => {
            request.socket.destroy();
            sent.destroy();
        };

        sent.on('error', destroy);

        sent.on('response', answer => {
            if (fault === 'lost') {
                answer.resume().on('end', () => {
                    last.push(destroy);
                    ended();
                });
                return;
            }

            response.writeHead(answer.statusCode, answer.headers);
            answer.pipe(response);
        });

        if (fault === 'cut') {
            request.once('data', bytes => {
                sent.write(bytes.subarray(0, bytes.length / 2), destroy);
            });
            request.once('end', destroy);
            return;
        }

        request.pipe(sent);
    });

    return new Promise(resolve => {
        server.listen(0, '127.0.0.1', () => {
            resolve(`http://127.0.0.1:${server.address().port}`);
        });
    });
}


main();
