const base = require('@jupyterlab/testing/lib/jest-config')(__dirname);

// Packages that come as ES modules only: jest has to compile them.
const esModules = [
  '@codemirror',
  '@jupyter',
  '@jupyter-widgets',
  '@jupyterlab',
  '@lezer',
  '@microsoft',
  '@rjsf',
  '@tanstack',
  'exenv-es6',
  'lib0',
  'nanoid',
  'vscode-ws-jsonrpc',
  'y-protocols',
  'y-websocket',
  'yjs'
].join('|');

const tsconfig = {
  jsx: 'react-jsx',
  esModuleInterop: true,
  module: 'commonjs',
  moduleResolution: 'node',
  target: 'ES2021',
  skipLibCheck: true,
  // types are checked by `npm run check`
  isolatedModules: true,
  types: ['jest']
};

module.exports = {
  ...base,
  reporters: ['default'],
  testEnvironment: './jest.environment.js',
  testRegex: 'src/.*\\.spec\\.tsx?$',
  transform: { ...base.transform, '^.+\\.tsx?$': ['ts-jest', { tsconfig }] },
  transformIgnorePatterns: [`/node_modules/(?!(${esModules})/)`]
};
