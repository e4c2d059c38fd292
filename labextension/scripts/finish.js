// Finishes what the builder has made: says which versions of Lab it runs in, and of which
// sources it was built.
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

const root = path.join(__dirname, '..');
const built = path.join(root, '../jupyter_flotilla/labextension');

// It is built with one version of Lab's packages, and takes whatever the application has: from
// 4.2 on. Lab calls an extension incompatible that asks for another exact version than its own.
const lab42 = {
  '@jupyterlab/apputils': '^4.3.0',
  '@jupyterlab/coreutils': '^6.2.0',
  '@jupyterlab/services': '^7.2.0'
};
const manifest = path.join(built, 'package.json');
const package_ = JSON.parse(fs.readFileSync(manifest, 'utf8'));
for (const name of Object.keys(package_.dependencies)) {
  if (name.startsWith('@jupyterlab/')) {
    package_.dependencies[name] = lab42[name] ?? '^4.2.0';
  }
}
fs.writeFileSync(manifest, JSON.stringify(package_, null, 2) + '\n');

// A sha256 over all sources; tests/unit/test_front_end_build.py computes the same: change both.
const sources = ['package-lock.json', 'package.json', 'schema', 'src', 'style', 'tsconfig.json'];

function filesOf(relative) {
  const absolute = path.join(root, relative);
  if (!fs.statSync(absolute).isDirectory()) {
    return [relative];
  }
  return fs
    .readdirSync(absolute)
    .filter(name => name !== '__tests__')
    .flatMap(name => filesOf(`${relative}/${name}`));
}

const digest = crypto.createHash('sha256');
for (const file of sources.flatMap(filesOf).sort()) {
  const content = crypto.createHash('sha256').update(fs.readFileSync(path.join(root, file)));
  digest.update(`${file} ${content.digest('hex')}\n`);
}
fs.writeFileSync(path.join(built, 'sources.sha256'), digest.digest('hex') + '\n');
