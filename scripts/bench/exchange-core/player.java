// Plays a flow into exchange-core's order book: one thread, no disruptor, no risk engine. A line "play" or
// "latency" on standard input runs the whole flow through a fresh book; one line of JSON answers.
import exchange.core2.collections.objpool.ObjectsPool;
import exchange.core2.core.common.CoreSymbolSpecification;
import exchange.core2.core.common.L2MarketData;
import exchange.core2.core.common.MatcherEventType;
import exchange.core2.core.common.MatcherTradeEvent;
import exchange.core2.core.common.OrderAction;
import exchange.core2.core.common.OrderType;
import exchange.core2.core.common.SymbolType;
import exchange.core2.core.common.cmd.CommandResultCode;
import exchange.core2.core.common.cmd.OrderCommand;
import exchange.core2.core.common.cmd.OrderCommandType;
import exchange.core2.core.common.config.LoggingConfiguration;
import exchange.core2.core.orderbook.IOrderBook;
import exchange.core2.core.orderbook.OrderBookDirectImpl;
import exchange.core2.core.orderbook.OrderBookEventsHelper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;

final class Player {
  private static final int FIELDS = 5;
  private static final int CANCEL = 1;
  private static final int MARKET = 2;
  /** A market order is an IOC at a price that nothing lies beyond. */
  private static final long HIGHEST = Integer.MAX_VALUE;
  private static final long LOWEST = 1;

  private final int count;
  private final int[] rows;
  private final OrderCommand command = new OrderCommand();
  private IOrderBook book;
  private long trades;
  private long volume;
  private long notional;
  private long refused;

  private Player(IntBuffer numbers) {
    rows = new int[numbers.remaining()];
    numbers.get(rows);
    count = rows.length / FIELDS;
  }

  public static void main(String[] arguments) throws Exception {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(Path.of(arguments[0]))).order(ByteOrder.LITTLE_ENDIAN);
    Player player = new Player(bytes.asIntBuffer());
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    System.out.println("{\"ready\":true}");
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      System.out.println(line.equals("latency") ? player.latency() : player.play());
    }
  }

  private String play() {
    start();
    long startedAt = System.nanoTime();
    for (int at = 0; at < count; at++) apply(at);
    long took = System.nanoTime() - startedAt;
    return "{\"nanoseconds\":" + took + "," + totals() + "}";
  }

  /** Time of each command; the empty measurement is told beside it. */
  private String latency() {
    start();
    long[] took = new long[count];
    long[] empty = new long[count];
    for (int at = 0; at < count; at++) {
      long startedAt = System.nanoTime();
      empty[at] = System.nanoTime() - startedAt;
    }
    for (int at = 0; at < count; at++) {
      long startedAt = System.nanoTime();
      apply(at);
      took[at] = System.nanoTime() - startedAt;
    }
    Arrays.sort(took);
    Arrays.sort(empty);
    return String.format(
        Locale.ROOT, "{\"timerNs\":%d,\"p50Ns\":%d,\"p99Ns\":%d,\"p999Ns\":%d,%s}",
        empty[count / 2], took[count / 2], took[(int) (count * 0.99)], took[(int) (count * 0.999)], totals());
  }

  private void start() {
    CoreSymbolSpecification market = CoreSymbolSpecification.builder()
        .symbolId(1).type(SymbolType.CURRENCY_EXCHANGE_PAIR).baseCurrency(1).quoteCurrency(2)
        .baseScaleK(1).quoteScaleK(1).takerFee(0).makerFee(0).build();
    book = new OrderBookDirectImpl(
        market, pool(), OrderBookEventsHelper.NON_POOLED_EVENTS_HELPER, LoggingConfiguration.DEFAULT);
    trades = volume = notional = refused = 0;
    System.gc();
  }

  /** Rooms large enough that the book never has to make objects of its own. */
  private static ObjectsPool pool() {
    HashMap<Integer, Integer> sizes = new HashMap<>();
    sizes.put(ObjectsPool.DIRECT_ORDER, 1 << 17);
    sizes.put(ObjectsPool.DIRECT_BUCKET, 1 << 14);
    sizes.put(ObjectsPool.ART_NODE_4, 1 << 14);
    sizes.put(ObjectsPool.ART_NODE_16, 1 << 13);
    sizes.put(ObjectsPool.ART_NODE_48, 1 << 12);
    sizes.put(ObjectsPool.ART_NODE_256, 1 << 11);
    return new ObjectsPool(sizes);
  }

  private void apply(int index) {
    int at = index * FIELDS;
    int op = rows[at];
    boolean isBuy = rows[at + 1] == 0;
    OrderCommand to = command;
    to.uid = 1;
    to.symbol = 1;
    to.orderId = rows[at + 4];
    to.timestamp = index;
    to.userCookie = 0;
    to.matcherEvent = null;
    if (op == CANCEL) {
      to.command = OrderCommandType.CANCEL_ORDER;
    } else {
      to.command = OrderCommandType.PLACE_ORDER;
      to.resultCode = CommandResultCode.VALID_FOR_MATCHING_ENGINE;
      to.action = isBuy ? OrderAction.BID : OrderAction.ASK;
      to.orderType = op == 0 ? OrderType.GTC : OrderType.IOC;
      to.size = rows[at + 3];
      to.price = op == MARKET ? (isBuy ? HIGHEST : LOWEST) : rows[at + 2];
      to.reserveBidPrice = isBuy ? to.price : 0;
    }
    if (IOrderBook.processCommand(book, to) != CommandResultCode.SUCCESS) refused++;
    for (MatcherTradeEvent event = to.matcherEvent; event != null; event = event.nextEvent) {
      if (event.eventType != MatcherEventType.TRADE) continue;
      trades++;
      volume += event.size;
      notional += event.size * event.price;
    }
  }

  private String totals() {
    L2MarketData depth = book.getL2MarketDataSnapshot(1_000_000);
    long lots = 0;
    for (int at = 0; at < depth.askSize; at++) lots += depth.askVolumes[at];
    for (int at = 0; at < depth.bidSize; at++) lots += depth.bidVolumes[at];
    int resting = book.getOrdersNum(OrderAction.ASK) + book.getOrdersNum(OrderAction.BID);
    return String.format(
        Locale.ROOT,
        "\"refused\":%d,\"totals\":{\"trades\":%d,\"volume\":%d,\"notional\":%d,\"resting\":%d,\"restingLots\":%d,"
            + "\"levels\":%d,\"bestBid\":%d,\"bestAsk\":%d}",
        refused, trades, volume, notional, resting, lots, depth.askSize + depth.bidSize,
        depth.bidSize == 0 ? 0 : depth.bidPrices[0], depth.askSize == 0 ? 0 : depth.askPrices[0]);
  }
}
