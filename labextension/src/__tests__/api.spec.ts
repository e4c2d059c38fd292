import { FlotillaApi, FlotillaError, queryText } from '../api';
import { aPage, FakeServer, FakeSocket } from './fakes';

async function errorOf(promise: Promise<unknown>): Promise<FlotillaError> {
  return promise.then(
    () => {
      throw new Error('nothing was thrown');
    },
    thrown => thrown as FlotillaError
  );
}

describe('queryText', () => {
  it('repeats the names of lists and leaves out what is not said', () => {
    const text = queryText({ status: ['RUNNING', 'FAILED'], owner: undefined, text: '', limit: 5 });
    expect(text).toBe('?status=RUNNING&status=FAILED&limit=5');
  });

  it('encodes what could be taken for something else', () => {
    expect(queryText({ text: 'a&b=c d/é' })).toBe('?text=a%26b%3Dc+d%2F%C3%A9');
  });
});

describe('FlotillaApi', () => {
  it('asks below the base address of the server', async () => {
    const server = new FakeServer(() => ({ json: aPage([]) }));

    await new FlotillaApi(server.settings).runs({ text: 'x' });

    expect(server.asked).toEqual(['runs?text=x']);
  });

  it('never lets an id or a file name leave its place', () => {
    const api = new FlotillaApi(new FakeServer(() => ({})).settings);

    expect(api.fileUrl('../../x', 1, 'a b/%2e/ü?.csv')).toBe(
      'http://127.0.0.1:1/base/flotilla/api/runs/..%2F..%2Fx/attempts/1/files/' +
        'a%20b/%252e/%C3%BC%3F.csv?download=1'
    );
  });

  it('throws what the server says, with its code and what to do', async () => {
    const json = { code: 'run-not-found', message: 'there is no run r1', next: 'look at the list' };
    const api = new FlotillaApi(new FakeServer(() => ({ status: 404, json })).settings);

    const error = await errorOf(api.run('r1'));

    expect(error).toBeInstanceOf(FlotillaError);
    expect([error.code, error.message, error.next, error.status]).toEqual([
      'run-not-found',
      'there is no run r1',
      'look at the list',
      404
    ]);
  });

  it('makes do with the status where an error is no JSON', async () => {
    const api = new FlotillaApi(new FakeServer(() => ({ status: 502 })).settings);

    const error = await errorOf(api.status());

    expect([error.code, error.status]).toEqual(['http-502', 502]);
  });

  it('says how to enable what is not there', async () => {
    const api = new FlotillaApi(new FakeServer(() => ({ status: 404 })).settings);

    const error = await errorOf(api.status());

    expect(error.code).toBe('no-extension');
    expect(error.next).toContain('jupyter server extension enable jupyter_flotilla');
  });

  it('says that a server cannot be reached', async () => {
    const api = new FlotillaApi(new FakeServer(() => null).settings);

    expect((await errorOf(api.status())).code).toBe('unreachable');
  });

  it('says that an answer is no JSON', async () => {
    const api = new FlotillaApi(new FakeServer(() => ({})).settings);

    expect((await errorOf(api.status())).code).toBe('bad-answer');
  });

  it('opens the socket with the sequence number and the token', () => {
    new FlotillaApi(new FakeServer(() => ({})).settings).openChanges(7);

    expect(FakeSocket.last.url).toBe(
      'ws://127.0.0.1:1/base/flotilla/api/changes?after=7&token=secret'
    );
  });
});
