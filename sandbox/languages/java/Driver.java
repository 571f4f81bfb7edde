// SPDX-License-Identifier: Apache-2.0
// Driver.java - answers questions about a Java program over descriptor 3 (docs/formats/frame.md).
//
// It knows nothing of tests: the program's method is found by reflection, and its own types say how arguments are read.
package winnow.driver;

import java.io.*;
import java.lang.reflect.*;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.jar.JarFile;

public final class Driver {
	static final int MAX_FRAME = 16 << 20;

	static final class Refused extends RuntimeException {
		Refused(String why) { super(why, null, false, false); }
	}

	static final class Mismatch extends RuntimeException {
		Mismatch(String why) { super(why, null, false, false); }
	}

	// --- values out ---
	static final class Writer {
		final ByteArrayOutputStream out = new ByteArrayOutputStream();
		int depth;

		void tag(char c) {
			if (out.size() > MAX_FRAME - 64)
				throw new Refused("size");
			out.write(c);
		}

		void u32(int n) { out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(n).array()); }
		void u64(long n) { out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(n).array()); }

		void bytes(byte[] b) {
			u32(b.length);
			out.writeBytes(b);
		}

		void str(String s) {
			if (s.chars().noneMatch(c -> Character.isSurrogate((char)c))) {
				bytes(s.getBytes(StandardCharsets.UTF_8));
				return;
			}
			// A lone surrogate is written as three bytes, as Python's surrogatepass writes it.
			ByteArrayOutputStream b = new ByteArrayOutputStream();
			s.codePoints().forEach(c -> {
				if (c >= 0xd800 && c <= 0xdfff) {
					b.write(0xe0 | c >> 12);
					b.write(0x80 | c >> 6 & 63);
					b.write(0x80 | c & 63);
				} else {
					b.writeBytes(new String(Character.toChars(c)).getBytes(StandardCharsets.UTF_8));
				}
			});
			bytes(b.toByteArray());
		}

		void integer(BigInteger v) {
			if (v.bitLength() < 64) {
				tag('i');
				u64(v.longValue());
				return;
			}
			tag('I');
			out.write(v.signum() < 0 ? 1 : 0);
			str(v.abs().toString(16));
		}

		void real(double v) {
			tag('f');
			u64(Double.doubleToRawLongBits(v));
		}

		void items(char tag, Collection<?> items, boolean key) {
			tag(tag);
			u32(items.size());
			for (Object one : items)
				value(one, key);
		}

		// key: in a set or as a key, where a list is a tuple.
		void value(Object v, boolean key) {
			if (++depth > 200)
				throw new Refused("depth");
			if (v == null)
				tag('N');
			else if (v instanceof Boolean)
				tag((Boolean)v ? 'T' : 'F');
			else if (v instanceof Integer || v instanceof Long || v instanceof Short || v instanceof Byte)
				integer(BigInteger.valueOf(((Number)v).longValue()));
			else if (v instanceof BigInteger)
				integer((BigInteger)v);
			else if (v instanceof Float)
				// The shortest decimal is what its author meant: 0.1f is 0.1.
				real(Double.parseDouble(v.toString()));
			else if (v instanceof Double)
				real((Double)v);
			else if (v instanceof Character || v instanceof CharSequence) {
				tag('s');
				str(v.toString());
			} else if (v instanceof Optional) {
				value(((Optional<?>)v).orElse(null), key);
			} else if (v instanceof Set) {
				items(key ? 'Z' : 'S', (Set<?>)v, true);
			} else if (v instanceof Collection) {
				items(key ? 't' : 'l', (Collection<?>)v, key);
			} else if (v instanceof Map) {
				tag('d');
				u32(((Map<?, ?>)v).size());
				for (Map.Entry<?, ?> e : ((Map<?, ?>)v).entrySet()) {
					value(e.getKey(), true);
					value(e.getValue(), false);
				}
			} else if (v instanceof Map.Entry) {
				tag('t');
				u32(2);
				value(((Map.Entry<?, ?>)v).getKey(), key);
				value(((Map.Entry<?, ?>)v).getValue(), key);
			} else if (v.getClass().isArray()) {
				List<Object> items = new ArrayList<>();
				for (int i = 0; i < Array.getLength(v); i++)
					items.add(Array.get(v, i));
				items(key ? 't' : 'l', items, key);
			} else if (v instanceof Record) {
				RecordComponent[] parts = v.getClass().getRecordComponents();
				tag('t');
				u32(parts.length);
				for (RecordComponent part : parts) {
					try {
						part.getAccessor().setAccessible(true);
						value(part.getAccessor().invoke(v), key);
					} catch (ReflectiveOperationException e) {
						throw new Refused("record");
					}
				}
			} else {
				tag('h');
				u64(1);
				str(v.getClass().getSimpleName());
			}
			depth--;
		}
	}

	// --- values in ---
	static final class Reader {
		final ByteBuffer b;
		int containers;

		Reader(byte[] frame) {
			b = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);
			b.get();
		}

		char peek() { return (char)b.get(b.position()); }
		char tag() { return (char)b.get(); }

		byte[] bytes() {
			byte[] s = new byte[b.getInt()];
			b.get(s);
			return s;
		}

		String str() {
			byte[] s = bytes();
			StringBuilder text = new StringBuilder();
			for (int i = 0, n; i < s.length; i += n) {
				if ((s[i] & 0xff) == 0xed && (s[i + 1] & 0xff) >= 0xa0) {
					text.append((char)((s[i] & 15) << 12 | (s[i + 1] & 63) << 6 | s[i + 2] & 63));
					n = 3;
					continue;
				}
				for (n = 1; i + n < s.length && (s[i + n] & 0xff) != 0xed; n++)
					;
				text.append(new String(s, i, n, StandardCharsets.UTF_8));
			}
			return text.toString();
		}

		Object number(char c) {
			switch (c) {
			case 'i': return b.getLong();
			case 'T': return 1L;
			case 'F': return 0L;
			case 'f': return b.getDouble();
			case 'I': {
				boolean negative = b.get() == 1;
				BigInteger v = new BigInteger(str(), 16);
				return negative ? v.negate() : v;
			}
			default: throw new Mismatch("an argument is no number");
			}
		}

		BigInteger integer() {
			Object v = number(tag());
			if (v instanceof Double) {
				double d = (Double)v;
				if (d != Math.rint(d) || Math.abs(d) > 9e15)
					throw new Mismatch("an argument is no integer");
				v = (long)d;
			}
			return v instanceof BigInteger ? (BigInteger)v : BigInteger.valueOf((Long)v);
		}

		int sequence() {
			if ("ltSZq".indexOf(tag()) < 0)
				throw new Mismatch("an argument is no sequence");
			containers++;
			return b.getInt();
		}

		Object any() {
			switch (peek()) {
			case 'N': tag(); return null;
			case 'T': case 'F': return tag() == 'T';
			case 'i': {
				long v = (Long)number(tag());
				if (v == (int)v)
					return (int)v;
				return v;
			}
			case 's': tag(); return str();
			case 'l': case 't': case 'q': return fill(new ArrayList<>(), Object.class);
			case 'S': case 'Z': return fill(new LinkedHashSet<>(), Object.class);
			case 'd': case 'C': case 'O': case 'D': return map(new LinkedHashMap<>(), Object.class, Object.class);
			default: return number(tag());
			}
		}

		Collection<Object> fill(Collection<Object> to, Type of) {
			for (int n = sequence(); n > 0; n--)
				to.add(value(of));
			return to;
		}

		Map<Object, Object> map(Map<Object, Object> to, Type key, Type of) {
			if ("dCOD".indexOf(tag()) < 0)
				throw new Mismatch("an argument is no mapping");
			containers++;
			for (int n = b.getInt(); n > 0; n--) {
				Object k = value(key);
				to.put(k, value(of));
			}
			return to;
		}

		@SuppressWarnings("unchecked")
		Object value(Type type) {
			Type[] args = type instanceof ParameterizedType ? ((ParameterizedType)type).getActualTypeArguments() : new Type[] { Object.class, Object.class };
			if (type instanceof ParameterizedType)
				type = ((ParameterizedType)type).getRawType();
			if (type instanceof WildcardType)
				return value(((WildcardType)type).getUpperBounds()[0]);
			if (type instanceof TypeVariable)
				return any();
			if (type instanceof GenericArrayType)
				return array(((GenericArrayType)type).getGenericComponentType(), Object.class);
			Class<?> c = (Class<?>)type;
			if (c == Optional.class) {
				if (peek() != 'N')
					return Optional.of(value(args[0]));
				tag();
				return Optional.empty();
			}
			if (peek() == 'N' && !c.isPrimitive()) {
				tag();
				return null;
			}
			if (c == boolean.class || c == Boolean.class)
				return integer().signum() != 0;
			if (c == BigInteger.class)
				return integer();
			if (c == int.class || c == Integer.class || c == long.class || c == Long.class || c == short.class || c == byte.class) {
				try {
					BigInteger v = integer();
					if (c == long.class || c == Long.class)
						return v.longValueExact();
					if (c == short.class)
						return v.shortValueExact();
					if (c == byte.class)
						return v.byteValueExact();
					return v.intValueExact();
				} catch (ArithmeticException e) {
					throw new Mismatch("an integer does not fit the parameter");
				}
			}
			if (c == double.class || c == Double.class || c == float.class || c == Float.class) {
				double d = ((Number)number(tag())).doubleValue();
				if (c == float.class || c == Float.class)
					return (float)d;
				return d;
			}
			if (c == char.class || c == Character.class) {
				String s = text();
				if (s.length() != 1)
					throw new Mismatch("an argument is no single character");
				return s.charAt(0);
			}
			if (c == String.class || c == CharSequence.class)
				return text();
			if (c.isArray())
				return array(c.getComponentType(), c.getComponentType());
			if (c == Object.class || c == Number.class || c == Comparable.class)
				return any();
			if (Map.class.isAssignableFrom(c))
				return map((Map<Object, Object>)made(c, new LinkedHashMap<>(), new TreeMap<>()), args[0], args[1]);
			if (Set.class.isAssignableFrom(c))
				return fill((Collection<Object>)made(c, new LinkedHashSet<>(), new TreeSet<>()), args[0]);
			if (c == Iterable.class || c.isAssignableFrom(ArrayList.class) || Collection.class.isAssignableFrom(c))
				return fill((Collection<Object>)(c == Iterable.class ? new ArrayList<>() : made(c, new ArrayList<>(), new ArrayDeque<>(), new LinkedList<>())), args[0]);
			if (c.isRecord() && "lt".indexOf(peek()) >= 0)
				return record(c);
			throw new Mismatch("a parameter of a type that no argument has");
		}

		String text() {
			if (tag() != 's')
				throw new Mismatch("an argument is no text");
			return str();
		}

		Object array(Type of, Class<?> raw) {
			int n = sequence();
			Object a = Array.newInstance(raw, n);
			for (int i = 0; i < n; i++)
				Array.set(a, i, value(of));
			return a;
		}

		Object record(Class<?> c) {
			RecordComponent[] parts = c.getRecordComponents();
			Object[] items = new Object[parts.length];
			Class<?>[] types = new Class<?>[parts.length];
			if (sequence() != parts.length)
				throw new Mismatch("a tuple of another length");
			for (int i = 0; i < parts.length; i++) {
				types[i] = parts[i].getType();
				items[i] = value(parts[i].getGenericType());
			}
			try {
				Constructor<?> make = c.getDeclaredConstructor(types);
				make.setAccessible(true);
				return make.newInstance(items);
			} catch (ReflectiveOperationException e) {
				throw new Mismatch("a record that cannot be made");
			}
		}

		// The first of these that is of the class, else one of its own.
		static Object made(Class<?> c, Object... candidates) {
			for (Object one : candidates)
				if (c.isInstance(one))
					return one;
			try {
				return c.getDeclaredConstructor().newInstance();
			} catch (ReflectiveOperationException e) {
				throw new Mismatch("a parameter of a class that cannot be made");
			}
		}
	}

	// --- the program ---
	static Set<String> forms(String name) {
		StringBuilder camel = new StringBuilder(), snake = new StringBuilder();
		boolean up = false;
		for (char c : name.toCharArray()) {
			if (c == '_' && camel.length() > 0) {
				up = true;
			} else {
				camel.append(up ? Character.toUpperCase(c) : c);
				up = false;
			}
			if (Character.isUpperCase(c) && snake.length() > 0 && snake.charAt(snake.length() - 1) != '_')
				snake.append('_');
			snake.append(Character.toLowerCase(c));
		}
		String c = camel.toString();
		return new LinkedHashSet<>(List.of(name, c, c.isEmpty() ? c : Character.toLowerCase(c.charAt(0)) + c.substring(1), snake.toString()));
	}

	static List<Class<?>> classes() throws IOException {
		List<Class<?>> found = new ArrayList<>();
		try (JarFile jar = new JarFile(System.getProperty("java.class.path"))) {
			for (var at = jar.entries(); at.hasMoreElements();) {
				String name = at.nextElement().getName();
				if (!name.endsWith(".class") || name.startsWith("winnow/driver/"))
					continue;
				try {
					found.add(Class.forName(name.substring(0, name.length() - 6).replace('/', '.'), false, Driver.class.getClassLoader()));
				} catch (ClassNotFoundException | LinkageError e) {
					// Not one to look for a method in.
				}
			}
		}
		found.sort(Comparator.comparing(c -> c.getName().equals("Solution") ? 0 : 1));
		return found;
	}

	static Method find(String name, int arguments) throws IOException {
		Method near = null;
		for (String form : forms(name))
			for (Class<?> c : classes())
				for (Method m : c.getDeclaredMethods()) {
					if (!m.getName().equals(form) || m.isSynthetic() || m.isBridge())
						continue;
					if (m.getParameterCount() == arguments)
						return m;
					near = m;
				}
		return near;
	}

	static Object self; // what a method that is not static is called on

	static Object self(Class<?> c) throws Throwable {
		if (self == null || self.getClass() != c) {
			Constructor<?> make = c.getDeclaredConstructor();
			make.setAccessible(true);
			self = make.newInstance();
		}
		return self;
	}

	static byte[] written(Object v) {
		Writer w = new Writer();
		w.value(v, false);
		return w.out.toByteArray();
	}

	static byte[] call(Reader r) throws Throwable {
		String name = r.str();
		r.tag();
		r.containers = 1;
		int n = r.b.getInt();
		Method m = find(name, n);
		if (m == null) {
			Writer w = new Writer();
			w.tag('?');
			w.str(name);
			return w.out.toByteArray();
		}
		m.setAccessible(true);
		Type[] types = m.getGenericParameterTypes();
		if (types.length != n)
			throw new Mismatch("another number of arguments than the method takes");
		Object[] args = new Object[n];
		int[] numbers = new int[n];
		byte[][] before = new byte[n][];
		for (int i = 0; i < n; i++) {
			boolean changes = "lSd".indexOf(r.peek()) >= 0;
			numbers[i] = r.containers;
			args[i] = r.value(types[i]);
			before[i] = changes ? written(args[i]) : null;
		}
		Object result;
		try {
			result = m.invoke(Modifier.isStatic(m.getModifiers()) ? null : self(m.getDeclaringClass()), args);
		} catch (InvocationTargetException e) {
			throw e.getCause();
		}
		Writer w = new Writer();
		w.tag('R');
		w.value(result, false);
		List<Integer> changed = new ArrayList<>();
		List<byte[]> now = new ArrayList<>();
		for (int i = 0; i < n; i++) {
			byte[] after = before[i] == null ? null : written(args[i]);
			if (after != null && !Arrays.equals(after, before[i])) {
				changed.add(numbers[i]);
				now.add(after);
			}
		}
		w.u32(changed.size());
		for (int i = 0; i < changed.size(); i++) {
			w.u32(changed.get(i));
			w.out.writeBytes(now.get(i));
		}
		return w.out.toByteArray();
	}

	static byte[] raised(Throwable e) {
		String name = e.getClass().getSimpleName(), message = String.valueOf(e.getMessage());
		List<String> bases = new ArrayList<>();
		int colon = message.indexOf(':');
		if (colon > 0 && message.substring(0, colon).matches("[A-Z][A-Za-z]*(Error|Exception)"))
			bases.add(message.substring(0, colon));
		if (e instanceof Mismatch)
			name = "TypeError";
		else if (e instanceof IllegalArgumentException)
			bases.add("ValueError");
		else if (e instanceof IndexOutOfBoundsException)
			bases.add("IndexError");
		else if (e instanceof ArithmeticException)
			bases.add("ZeroDivisionError");
		else if (e instanceof OutOfMemoryError)
			name = "MemoryError";
		bases.addAll(List.of(name, "Exception", "BaseException"));
		Writer w = new Writer();
		w.tag('X');
		w.str(name);
		w.str(message.length() > 1000 ? message.substring(0, 1000) : message);
		w.u32(bases.size());
		for (String base : bases)
			w.str(base);
		w.u32(0);
		return w.out.toByteArray();
	}

	static byte[] said(byte[] frame) {
		try {
			switch (frame[0]) {
			case 'L': case '-':
				return new byte[] { 'K' };
			case '?':
				return call(new Reader(frame));
			default:
				throw new Refused("question");
			}
		} catch (Refused e) {
			Writer w = new Writer();
			w.tag('U');
			w.str(e.getMessage());
			return w.out.toByteArray();
		} catch (Throwable e) {
			return raised(e);
		}
	}

	static void loop(DataInputStream in, OutputStream out) throws IOException {
		byte[] head = new byte[4];
		for (;;) {
			try {
				in.readFully(head);
			} catch (EOFException e) {
				Runtime.getRuntime().halt(0);
			}
			int n = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getInt();
			if (n <= 0 || n > MAX_FRAME)
				Runtime.getRuntime().halt(3);
			byte[] question = new byte[n];
			in.readFully(question);
			byte[] answer = said(question);
			byte[] frame = new byte[answer.length + 4];
			ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN).putInt(answer.length).put(answer);
			out.write(frame);
		}
	}

	// Descriptor 3 can be opened by no name, since a socket has none: it is wrapped as it is.
	static FileDescriptor channel() throws ReflectiveOperationException {
		FileDescriptor fd = new FileDescriptor();
		Field number = FileDescriptor.class.getDeclaredField("fd");
		number.setAccessible(true);
		number.setInt(fd, 3);
		return fd;
	}

	public static void main(String[] args) throws Exception {
		FileDescriptor fd = channel();
		DataInputStream in = new DataInputStream(new FileInputStream(fd));
		FileOutputStream out = new FileOutputStream(fd);
		Thread serving = new Thread(null, () -> {
			try {
				loop(in, out);
			} catch (IOException e) {
				Runtime.getRuntime().halt(3);
			}
		}, "main", 64L << 20);
		serving.start();
		serving.join();
	}
}
