// Writes down, in the built assets, of which sources they were built: a sha256 over all of them.
// tests/unit/test_front_end_build.py computes the same; change both.
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

const root = path.join(__dirname, '..');
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
const built = path.join(root, '../jupyter_flotilla/labextension');
fs.writeFileSync(path.join(built, 'sources.sha256'), digest.digest('hex') + '\n');
