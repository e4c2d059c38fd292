// Removes all that a build has made.
const fs = require('fs');
const path = require('path');

const root = path.join(__dirname, '..');
for (const made of ['lib', 'tsconfig.tsbuildinfo', '../jupyter_flotilla/labextension']) {
  fs.rmSync(path.join(root, made), { recursive: true, force: true });
}
