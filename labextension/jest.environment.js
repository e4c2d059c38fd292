const { default: Environment } = require('@jupyterlab/testing/lib/jest-env');

// Requests are Node's there, and Node 22 and later refuse the signals of another AbortController.
module.exports = class extends Environment {
  constructor(...args) {
    super(...args);
    this.global.AbortController = AbortController;
    this.global.AbortSignal = AbortSignal;
  }
};
