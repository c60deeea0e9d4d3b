import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

// java -cp DIR:DIR/lib/* Server PORT: serves until it is ended.  The versions
// that come with it announce wire version 8, which drivers of today refuse.
class Server {
	public static void main(String[] args) {
		MemoryBackend backend = new MemoryBackend();
		backend.version(new MongoVersion() {
			public List<Integer> getVersionArray() {
				return List.of(7, 0, 0);
			}
			public String toVersionString() {
				return "7.0.0";
			}
			public int getWireVersion() {
				return 21;
			}
		});
		new MongoServer(backend).bind("127.0.0.1", Integer.parseInt(args[0]));
		System.out.println("ready");
	}
}
