// Makes src/generated.ts of openapi.json, which the server extension prints:
//   python -m jupyter_flotilla.server.openapi > labextension/openapi.json && npm run types
// tests/unit/test_openapi.py and `npm run check` say where either is stale.
const fs = require('fs');
const path = require('path');

const root = path.join(__dirname, '..');

async function generated() {
  const { default: openapiTS, astToString } = await import('openapi-typescript');
  const document = JSON.parse(fs.readFileSync(path.join(root, 'openapi.json'), 'utf-8'));
  const text = astToString(await openapiTS({ ...document, paths: {} }));
  return `// Made by \`npm run types\` of openapi.json; not to be edited.\n\n${text}`;
}

async function main() {
  const file = path.join(root, 'src', 'generated.ts');
  const text = await generated();
  if (!process.argv.includes('--check')) {
    fs.writeFileSync(file, text);
  } else if (fs.readFileSync(file, 'utf-8') !== text) {
    console.error('src/generated.ts is not of openapi.json: npm run types');
    process.exit(1);
  }
}

void main();
