// Copyright (C) the nginx-liveupdate authors

// Prints artifacts.tsv: how app-builder-lib names what it makes, by its own
// functions and with the patterns of its targets, and with patterns that
// people configure.
//
//     npm install app-builder-lib@26.17.0
//     node artifacts.js > artifacts.tsv

'use strict';

const { Platform } = require('app-builder-lib');
const { PlatformPackager } = require('app-builder-lib/out/platformPackager');
const { Arch, getArchSuffix } = require('builder-util');

const products = [
    ['shop', 'Shop'],
    ['universal-remote', 'Universal Remote'],
    ['mac-cleaner', 'Mac Cleaner']
];

const systems = {
    windows: {
        platform: Platform.WINDOWS, archs: ['x64', 'ia32', 'arm64'],
        kind: 'nsis', ext: 'exe'
    },
    mac: {
        platform: Platform.MAC, archs: ['x64', 'arm64', 'universal'],
        kind: 'dmg', ext: 'dmg'
    },
    linux: {
        platform: Platform.LINUX, archs: ['x64', 'ia32', 'armv7l', 'arm64'],
        kind: 'appImage', ext: 'AppImage'
    }
};

const configured = [
    '${productName}-${version}-${os}-${arch}.${ext}',
    '${name}-${os}-${arch}-${version}.${ext}',
    '${name}-${arch}.${ext}',
    '${productName}_${version}_${arch}.${ext}',
    '${name}-${arch}-Setup-${version}.${ext}',
    '${productName} ${version} (${arch}).${ext}',
    '${name}-v${version}-${arch}.${ext}'
];

const lines = new Set();

for (const [name, product] of products) {
    for (const version of ['1.0.0', '2.10.3-beta.1']) {
        for (const system of Object.keys(systems)) {
            for (const arch of systems[system].archs) {
                list(name, product, version, system, arch);
            }
        }
    }
}

console.log('# platform, kind, architecture, name, version: artifacts.js');
console.log([...lines].join('\n'));


function list(name, product, version, system, arch) {
    const { platform, kind, ext } = systems[system];
    const packager = packagerOf(platform, name, product, version);

    const add = (what, file, where = system) =>
        lines.add([where, what || '-', arch, file, version].join('\t'));

    const expand = (extension, pattern, skip = true) =>
        packager.expandArtifactNamePattern({}, extension, Arch[arch], pattern,
                                           skip);

    const suffix = getArchSuffix(Arch[arch]);
    const infix = suffix && '-${arch}';

    if (system === 'windows') {
        add('nsis', expand('exe', '${productName} Setup ${version}' + suffix
                                  + '.${ext}', false));
        add('nsis', expand('exe', '${productName} ${version}' + suffix
                                  + '.${ext}', false));

        for (const type of ['msi', 'appx']) {
            add(type, packager.expandArtifactBeautyNamePattern({}, type,
                                                               Arch[arch]));
        }

        add(null, `${name}-${version}-${arch}.nsis.7z`);

        if (arch === 'x64') {
            add('nsis-web', expand('exe', '${productName} Web Setup '
                                          + '${version}.${ext}'));
        }
    }

    if (system === 'linux') {
        for (const type of ['zip', '7z', 'tar.gz', 'tar.xz']) {
            add(type === 'zip' && type,
                expand(type, '${name}-${version}' + infix + '.${ext}', false),
                '');
        }

        add('appImage', expand('AppImage'));
        add('snap', expand('snap', '${name}_${version}_${arch}.${ext}',
                           false));
        add(null, expand('flatpak', undefined, false));
        add('deb', expand('deb', '${name}_${version}_${arch}.${ext}', false));
        add('rpm', expand('rpm', '${name}-${version}.${arch}.${ext}', false));
        add('pacman', expand('pacman', '${name}-${version}-${arch}.${ext}'));
        add(null, expand('apk', '${name}-${version}-${arch}.${ext}'));

    } else {
        for (const type of ['zip', '7z', 'tar.gz']) {
            add(type === 'zip' && type,
                expand(type, '${productName}-${version}' + infix
                             + '-${os}.${ext}', false));
        }
    }

    if (system === 'mac') {
        add('dmg', expand('dmg', '${productName}-${version}-${arch}.${ext}'));
        add('pkg', expand('pkg'));
    }

    for (const pattern of configured) {
        const other = packagerOf(platform, name, product, version, pattern);

        add(kind, other.expandArtifactNamePattern({}, ext, Arch[arch]));
    }
}


function packagerOf(platform, name, product, version, artifactName) {
    const packager = Object.create(PlatformPackager.prototype);

    const members = {
        appInfo: {
            name, version, productName: product, productFilename: product,
            sanitizedName: name, sanitizedProductName: product
        },
        platform,
        platformSpecificBuildOptions: { artifactName },
        config: {}
    };

    for (const member of Object.keys(members)) {
        Object.defineProperty(packager, member, { value: members[member] });
    }

    return packager;
}
