import net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cutOff, expectErrors, goTo, hasBrowser, openStudio } from './browser.ts';
import { recordRun } from '../recordRun.ts';
import { lack, where } from '../frame/needs.ts';

/** A wire to a server that can be cut and mended. */
async function wireTo(port: number) {
  const sockets = new Set<net.Socket>();
  let isCut = false;
  const wire = net.createServer((near) => {
    if (isCut) return void near.destroy();
    const far = net.connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => (sockets.delete(socket), near.destroy(), far.destroy()));
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    wire.close();
  });
  return {
    port: (wire.address() as net.AddressInfo).port,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    mend: () => void (isCut = false),
  };
}

where(describe, [hasBrowser, lack.browser])('a window whose connection is lost', () => {
  it('says so, comes back by itself, and has missed nothing', async () => {
    const { studio, link, open } = await openStudio();
    const id = recordRun(studio, 'far', 900);
    const metrics = studio.store.metrics.writer(id);
    const train = (from: number, to: number) => {
      for (let step = from; step <= to; step++)
        metrics.add({ step, time: step, loss: 10 - step / 100, tokensSeen: 8 * step });
      metrics.flush();
    };
    train(1, 100);
    const wire = await wireTo(Number(new URL(link).port));
    const page = await open();
    // The wire is cut.
    expectErrors(page, ...cutOff);
    const far = new URL(link);
    far.port = String(wire.port);
    await page.goto(far.href);
    await goTo(page, `run/${id}`, 'far');
    const curve = page.getByText(/^Loss, nats\/token\. Train loss: from/);
    await expect.poll(() => curve.textContent()).toContain('from 9.99 to 9,');

    wire.cut();
    await page.getByText('Connection lost').waitFor();
    train(101, 400);
    studio.store.events.add(id, 400, 'info', 'note', 'while nobody looked');
    wire.mend();
    await page.getByText('Connection lost').waitFor({ state: 'detached' });
    await expect.poll(() => curve.textContent()).toContain('from 9.99 to 6,');
    train(401, 500);
    await expect.poll(() => curve.textContent()).toContain('from 9.99 to 5,');
    await page.getByRole('tab', { name: 'Log' }).click();
    expect(await page.getByText('while nobody looked').count()).toBe(1);
    metrics.close();
  });
});
