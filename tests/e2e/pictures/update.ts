/** Makes the pictures that are kept anew: `npm run pictures:update`, or some by the beginnings of their names: `npm run pictures:update runs chart`. */
import { startVitest } from 'vitest/node';

process.env.TRAINYARD_PICTURES = process.argv.slice(2).join(',');
await startVitest('test', ['tests/e2e/pictures/pictures.test.ts'], { watch: false, project: ['thorough'] });
