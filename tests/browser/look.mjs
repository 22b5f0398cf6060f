import { chromium } from 'playwright-core';
const b = await chromium.launch({ executablePath:'/usr/bin/chromium', args:['--headless','--no-sandbox','--disable-gpu','--disable-quic','--no-first-run','--disable-background-networking','--disable-component-update','--disable-sync']});
async function run(name, opts, drawer){
  const c = await b.newContext(opts); const p = await c.newPage();
  p.on('console', m=>console.log(name, m.type(), m.text())); p.on('pageerror', e=>console.log(name,'ERR',e.message));
  await p.goto('http://127.0.0.1:3456/');
  await p.locator('#products:not([aria-busy])').waitFor();
  await p.screenshot({path:`/tmp/s-${name}-empty.png`});
  for (const n of ['Stoneware mug','Mountain poster','Pencils']) { await p.getByRole('button',{name:'Add to cart '+n}).click(); await p.locator('.line',{hasText:n}).waitFor({state:'attached'}); }
  if (drawer) { await p.screenshot({path:`/tmp/s-${name}-added.png`}); await p.locator('.bar button').click(); await p.waitForTimeout(500);}
  await p.screenshot({path:`/tmp/s-${name}.png`});
  if (!drawer) { await p.screenshot({path:`/tmp/s-${name}-full.png`, fullPage:true}); }
  await c.close();
}
await run('desktop',{viewport:{width:1360,height:900}});
await run('dark',{viewport:{width:1360,height:900},colorScheme:'dark'});
await run('mobile',{viewport:{width:375,height:740},hasTouch:true,isMobile:true,deviceScaleFactor:2},true);
await b.close();
