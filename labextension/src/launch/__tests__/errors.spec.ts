import { FlotillaError } from '../../api';
import { fieldOf } from '../errors';
import { OPTIONS } from './samples';

const asked = {
  options: OPTIONS.filter(option => option.keyword !== 'engine'),
  parameters: ['alpha', 'rate'],
  engines: ['process', 'ecs'],
  sent: { memory: '16', timeout: '5', retries: 'two', env: ['API_KEY=x'], alpha: 3 }
};

describe('an error', () => {
  it.each([
    ["what you asked for: '16' is not a size", 'invalid-option', 'option:memory'],
    ["'5' is not a duration", 'invalid-option', 'option:timeout'],
    ["'two' is not a number of retries", 'invalid-option', 'option:retries'],
    ["--max-cost 0.00001 buys less than the shortest time", 'invalid-option', 'option:max_cost'],
    ['--env API_KEY: its name looks like a secret’s', 'invalid-option', 'option:env'],
    ["spot 'x' is neither true nor false", 'invalid-option', 'option:spot'],
    ["cpu '0' is not a number of vCPU", 'invalid-option', 'option:cpu'],
    ['memory=[1] is of a wrong type', 'invalid-option', 'option:memory'],
    ["parameter 'alpha' of a.ipynb is of type int, not str", 'unknown-parameter', 'parameter:alpha'],
    ["a.ipynb has no parameter 'rate' (it has: none)", 'unknown-parameter', 'parameter:rate'],
    ['there is no profile @big; there is none', 'invalid-option', 'option:profile'],
    ['ecs: ECS is not set up', 'engine-unavailable', 'engine'],
    ["there is no engine 'x'", 'unknown-engine', 'engine'],
    ["there is no file 'a.ipynb'", 'file-not-found', 'what'],
    ['a.ipynb is not valid notebook JSON', 'invalid-notebook', 'what']
  ])('that says %j is about a field', (message, code, field) => {
    expect(fieldOf(new FlotillaError(message, code), asked)).toBe(field);
  });

  it.each([
    ['the server cannot be reached', 'unreachable'],
    ['nothing limits what it may cost', 'refused'],
    ["'nowhere typed' is not a size", 'invalid-option'],
    ['--unheard-of 3 is wrong', 'invalid-option'],
    ['', 'unknown']
  ])('that says %j is about none', (message, code) => {
    expect(fieldOf(new FlotillaError(message, code), asked)).toBeNull();
  });

  it('about a field that the form does not have is about none', () => {
    expect(fieldOf(new FlotillaError('--spot is for ecs', 'x'), { ...asked, options: [] })).toBeNull();
  });
});
