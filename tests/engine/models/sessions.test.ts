import { describe, expect, it } from 'vitest';
import { cpu, hasCpu } from '../devices.ts';
import { smallConfig, trainingSession } from './small.ts';
import { lack, where } from '../../frame/needs.ts';

where(describe, [hasCpu, lack.cpu])('sessions of one cpu device', () => {
  it('say what is wrong when they are used while a program runs, or after they were closed', async () => {
    const { session, training, model } = await trainingSession(await cpu(1).open(), smallConfig, 2);
    const weights = model.parameters.get('wte.weight');
    const running = session.run(training.first);
    expect(() => session.read(weights)).toThrow('a program is running');
    await expect(session.run(training.first)).rejects.toThrow('a program is running');
    await running;
    session.read(weights);
    session.close();
    expect(() => session.read(weights)).toThrow('the session is closed');
    await expect(session.run(training.first)).rejects.toThrow('the session is closed');
  });

  it('close without waiting for another one, and not during their own program', async () => {
    const device = await cpu(1).open();
    const [a, b] = [await trainingSession(device, smallConfig, 2), await trainingSession(device, smallConfig, 2)];
    const order: string[] = [];
    const runs = Array.from({ length: 20 }, async () => {
      const other = await trainingSession(device, smallConfig, 64);
      await other.session.run(other.training.first);
      other.session.close();
      order.push('ran');
    });
    b.session.close();
    order.push('closed');
    await Promise.all(runs);
    expect(order[0]).toBe('closed');
    const own = a.session.run(a.training.first);
    expect(() => a.session.close()).toThrow('a program is running');
    await own;
    a.session.close();
  });
});
